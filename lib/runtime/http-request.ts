import type { APIGatewayProxyEvent } from 'aws-lambda';
import { GrantkeeperError } from '../domain/errors.ts';
import { ROUTES, type Route, type RouteName, SCOPES, type Scope } from '../domain/routes.ts';
import { readConfig } from './config.ts';
import { parseBody, singleValues } from './http-body.ts';

/** What a handler sees of a request. Everything in it is the caller's word, except `key`, `origin` and `sourceIp`. */
export interface HttpRequest {
  /** Path parameters, percent-decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON, or the fields of a form; undefined when there is no body. */
  readonly body: unknown;
  readonly cookies: Readonly<Record<string, string>>;
  /** By any spelling of its name. */
  header(name: string): string | undefined;
  readonly correlationId: string;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** Public URL of the API without a trailing slash: what stands before `/v1`. */
  readonly origin: string;
  /** Present on every route that needs a key, absent on the browser's. */
  readonly key?: RequestKey;
}

/** The API key as the authorizer found it. */
export interface RequestKey {
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly organizations: '*' | readonly string[];
}

/** What of an event this room reads; a gateway event has more. */
export type GatewayEvent = Pick<
  APIGatewayProxyEvent,
  | 'resource'
  | 'httpMethod'
  | 'headers'
  | 'multiValueQueryStringParameters'
  | 'pathParameters'
  | 'body'
  | 'isBase64Encoded'
  | 'requestContext'
>;

/**
 * Which of the routes an event is for. Throws `method_not_allowed` when only the method differs, else `not_found`; the
 * gateway lets neither through.
 */
export function routeOf(event: GatewayEvent, names: readonly RouteName[]): RouteName {
  const atPath = names.filter((name) => ROUTES[name].path === event.resource);
  const found = atPath.find((name) => ROUTES[name].method === event.httpMethod);
  if (found === undefined) throw new GrantkeeperError(atPath.length > 0 ? 'method_not_allowed' : 'not_found');
  return found;
}

/**
 * The request of a gateway event. Throws `invalid_request` naming the field that is malformed or sent twice;
 * `unauthorized` or `forbidden` when the route needs a key and the authorizer did not vouch for one with its scope (the
 * gateway has refused those before; this holds should a route be deployed without its authorizer).
 */
export function requestOf(event: GatewayEvent, route: Route, correlationId: string): HttpRequest {
  const key = keyFor(route, event.requestContext.authorizer);
  const headers = lowerCased(event.headers);
  return {
    parameters: decoded(event.pathParameters ?? {}),
    query: singleValues(event.multiValueQueryStringParameters ?? {}),
    body: parseBody(event, headers['content-type']),
    cookies: cookiesOf(headers.cookie ?? ''),
    header: (name) => headers[name.toLowerCase()],
    correlationId,
    sourceIp: event.requestContext.identity.sourceIp,
    userAgent: headers['user-agent'] ?? '',
    origin: originOf(event),
    ...(key === undefined ? {} : { key }),
  };
}

function keyFor(
  { auth }: Route,
  context: APIGatewayProxyEvent['requestContext']['authorizer'],
): RequestKey | undefined {
  if (auth.kind === 'browser') return undefined;
  const key = keyOf(context ?? {});
  if (key === undefined) throw new GrantkeeperError('unauthorized');
  if (!key.scopes.includes(auth.scope)) throw new GrantkeeperError('forbidden');
  return key;
}

/** The authorizer's context values are strings; `functions/authorizer.ts` writes them. */
function keyOf({ keyId, scopes, organizations }: Readonly<Record<string, unknown>>): RequestKey | undefined {
  const visible = organizationsOf(organizations);
  if (typeof keyId !== 'string' || typeof scopes !== 'string' || visible === undefined) return undefined;
  const held = scopes.split(' ');
  return {
    id: keyId,
    scopes: SCOPES.filter((scope) => held.includes(scope)),
    organizations: visible,
  };
}

/** A text in the place of the list would match every id that is a part of it. */
function organizationsOf(json: unknown): RequestKey['organizations'] | undefined {
  if (typeof json !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(json);
    const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return value === '*' || isList ? value : undefined;
  } catch {
    return undefined;
  }
}

function lowerCased(headers: Readonly<Record<string, string | undefined>> | null): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}

function decoded(parameters: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value ?? '')];
      } catch {
        throw new GrantkeeperError('invalid_request', { field: name });
      }
    }),
  );
}

/** RFC 6265 §5.4: of two cookies of one name the more specific comes first. */
function cookiesOf(header: string): Record<string, string> {
  const pairs = header.split(';').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name.trim(), value.join('=').trim()] as const;
  });
  return Object.fromEntries(pairs.filter(([name]) => name !== '').reverse());
}

function originOf({ requestContext }: GatewayEvent): string {
  const { publicUrl } = readConfig(['publicUrl']);
  return publicUrl ?? `https://${requestContext.domainName}/${requestContext.stage}`;
}
