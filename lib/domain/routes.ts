import type { FunctionName } from './names.ts';

/** Scopes an API key can hold; a route names the one it needs. */
export const SCOPES = ['connections:read', 'connections:write', 'tokens:read', 'tokens:write'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who may call: the holder of a key with the scope, or anybody's browser (the handler checks state and cookie). */
export type RouteAuth = { readonly kind: 'key'; readonly scope: Scope } | { readonly kind: 'browser' };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Below the API's URL (stage `api`), in API Gateway's form. */
  readonly path: string;
  readonly function: FunctionName;
  readonly auth: RouteAuth;
  /** Steady requests per second at the gateway, for all callers together, and the burst above it. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
}

const READ = { ratePerSecond: 100, burst: 200 } as const;
const WRITE = { ratePerSecond: 25, burst: 50 } as const;
const BROWSER = { ratePerSecond: 20, burst: 40 } as const;

/** The one list of routes (design §8): gateway, handlers and API description take theirs from here. */
export const ROUTES = {
  createConnectSession: {
    method: 'POST',
    path: '/v1/connect-sessions',
    function: 'create-connect-session',
    auth: { kind: 'key', scope: 'connections:write' },
    throttle: WRITE,
  },
  connectSessionStatus: {
    method: 'GET',
    path: '/v1/connect-sessions/{session_id}',
    function: 'connect-session-status',
    auth: { kind: 'key', scope: 'connections:read' },
    throttle: READ,
  },
  connect: {
    method: 'GET',
    path: '/v1/oauth/{provider}/connect/{organization_id}',
    function: 'connect',
    auth: { kind: 'browser' },
    throttle: BROWSER,
  },
  confirmConnect: {
    method: 'POST',
    path: '/v1/oauth/{provider}/connect/{organization_id}',
    function: 'connect',
    auth: { kind: 'browser' },
    throttle: BROWSER,
  },
  callback: {
    method: 'GET',
    path: '/v1/oauth/{provider}/callback',
    function: 'callback',
    auth: { kind: 'browser' },
    throttle: BROWSER,
  },
  choose: {
    method: 'GET',
    path: '/v1/oauth/{provider}/choose',
    function: 'choose',
    auth: { kind: 'browser' },
    throttle: BROWSER,
  },
  chosen: {
    method: 'POST',
    path: '/v1/oauth/{provider}/choose',
    function: 'choose',
    auth: { kind: 'browser' },
    throttle: BROWSER,
  },
  status: {
    method: 'GET',
    path: '/v1/oauth/{provider}/status/{organization_id}',
    function: 'status',
    auth: { kind: 'key', scope: 'connections:read' },
    throttle: READ,
  },
  disconnect: {
    method: 'POST',
    path: '/v1/oauth/{provider}/disconnect/{organization_id}',
    function: 'disconnect',
    auth: { kind: 'key', scope: 'connections:write' },
    throttle: WRITE,
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

/** The stage of the REST API; it is the first path segment in front of every route. */
export const STAGE = 'api';

/** Fills a route's placeholders; every value is percent-encoded. */
export function routePath(name: RouteName, parameters: Readonly<Record<string, string>> = {}): string {
  return ROUTES[name].path.replace(/\{(\w+)\}/g, (_, parameter: string) => {
    const value = parameters[parameter];
    if (value === undefined) throw new TypeError(`route ${name} needs ${parameter}`);
    return encodeURIComponent(value);
  });
}
