import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import { ROUTES, type Route } from '../domain/routes.ts';
import type { AuthorizedKey } from '../service/authorize-key.ts';

/**
 * The authorizer's answer for a key: it may call exactly the routes whose scope it holds, at this stage of this API.
 * The gateway remembers the answer for the key, not for the route, so it must be right for every route.
 *
 * `methodArn` is `arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>`; placeholders of a path
 * become `*` (API Gateway developer guide, "Output from an API Gateway Lambda authorizer").
 */
export function accessPolicy(key: AuthorizedKey, methodArn: string, environment: string): APIGatewayAuthorizerResult {
  const stageArn = methodArn.split('/', 2).join('/');
  const allowed = Object.values<Route>(ROUTES)
    .filter(({ auth }) => auth.kind === 'key' && key.scopes.includes(auth.scope))
    .map(({ method, path }) => `${stageArn}/${method}${path.replace(/\{\w+\}/g, '*')}`);
  return {
    principalId: key.id,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        allowed.length > 0
          ? { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: allowed }
          : { Effect: 'Deny', Action: 'execute-api:Invoke', Resource: `${stageArn}/*` },
      ],
    },
    // Read back by http-request.ts; the gateway passes strings, numbers and booleans only.
    context: {
      keyId: key.id,
      scopes: key.scopes.join(' '),
      organizations: JSON.stringify(key.organizations),
      env: environment,
    },
  };
}

/** The route that was asked for, if the key lacks its scope: the gateway refuses the call by the policy above. */
export function refusedRoute(
  key: AuthorizedKey,
  asked: { readonly resource?: string | null | undefined; readonly httpMethod?: string | null | undefined },
): string | undefined {
  const found = Object.entries<Route>(ROUTES).find(
    ([, { path, method }]) => path === asked.resource && method === asked.httpMethod,
  );
  if (found === undefined) return undefined;
  const [name, { auth }] = found;
  return auth.kind === 'key' && !key.scopes.includes(auth.scope) ? name : undefined;
}
