import { ROUTES, type RouteName, routePath } from '../../../lib/domain/routes.ts';
import type { GatewayEvent } from '../../../lib/runtime/http-request.ts';

/** What a test says of a request; the rest is as the gateway would fill it. */
export interface RequestOptions {
  readonly parameters?: Record<string, string>;
  readonly query?: Record<string, string | string[]>;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  /** The authorizer's context; none for a browser's route. */
  readonly authorizer?: Record<string, string>;
}

/** A key with every scope, as the authorizer hands it on. */
export const FULL_KEY = {
  keyId: '0123456789abcdef',
  scopes: 'connections:read connections:write tokens:read tokens:write',
  organizations: '"*"',
  env: 'dev',
};

/** An event of API Gateway's REST API for a route. */
export function httpEvent(route: RouteName, options: RequestOptions = {}): GatewayEvent {
  const { method, path } = ROUTES[route];
  return {
    resource: path,
    httpMethod: method,
    headers: options.headers ?? {},
    pathParameters: options.parameters ?? null,
    multiValueQueryStringParameters:
      options.query === undefined
        ? null
        : Object.fromEntries(Object.entries(options.query).map(([name, value]) => [name, [value].flat()])),
    body: options.body ?? null,
    isBase64Encoded: options.isBase64Encoded ?? false,
    requestContext: {
      accountId: '000000000000',
      apiId: 'abcdef1234',
      authorizer: options.authorizer,
      domainName: 'abcdef1234.execute-api.us-east-1.amazonaws.com',
      httpMethod: method,
      identity: { sourceIp: '192.0.2.1' } as GatewayEvent['requestContext']['identity'],
      path: `/api${routePath(route, options.parameters)}`,
      protocol: 'HTTP/1.1',
      requestId: 'request-1',
      requestTimeEpoch: 1_795_000_000_000,
      resourceId: 'r',
      resourcePath: path,
      stage: 'api',
    },
  };
}
