import { expect, test } from 'vitest';
import { ROUTES, type Route, type RouteName, routePath, SCOPES, type Scope } from '../../../lib/domain/routes.ts';
import { accessPolicy } from '../../../lib/runtime/access-policy.ts';

const STAGE_ARN = 'arn:aws:execute-api:us-east-1:000000000000:abcdef1234/api';
const METHOD_ARN = `${STAGE_ARN}/GET/v1/connect-sessions/01J`;

function policyFor(scopes: readonly Scope[]) {
  return accessPolicy({ id: '0123456789abcdef', scopes, organizations: ['acme'] }, METHOD_ARN, 'dev');
}

test('a key with a scope gets the routes of that scope and is introduced to the handlers', () => {
  expect(policyFor(['connections:read'])).toEqual({
    principalId: '0123456789abcdef',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'execute-api:Invoke',
          Resource: [`${STAGE_ARN}/GET/v1/connect-sessions/*`, `${STAGE_ARN}/GET/v1/oauth/*/status/*`],
        },
      ],
    },
    context: { keyId: '0123456789abcdef', scopes: 'connections:read', organizations: '["acme"]', env: 'dev' },
  });
});

test('a key whose scopes open no route is denied all of the stage', () => {
  expect(policyFor([]).policyDocument.Statement).toEqual([
    { Effect: 'Deny', Action: 'execute-api:Invoke', Resource: `${STAGE_ARN}/*` },
  ]);
});

test('the policy is the same whichever route asked first, so it may be remembered', () => {
  const key = { id: '0123456789abcdef', scopes: SCOPES, organizations: '*' } as const;
  const other = `${STAGE_ARN}/POST/v1/oauth/xero/disconnect/acme`;
  expect(accessPolicy(key, other, 'dev')).toEqual(accessPolicy(key, METHOD_ARN, 'dev'));
});

/** API Gateway's matching: `*` stands for any characters, also slashes. */
function allows(scopes: readonly Scope[], name: RouteName): boolean {
  const [statement] = policyFor(scopes).policyDocument.Statement;
  const { Effect, Resource } = statement as { Effect: string; Resource: string[] };
  const values = { provider: 'xero', organization_id: 'acme', session_id: '01J' };
  const arn = `${STAGE_ARN}/${ROUTES[name].method}${routePath(name, values)}`;
  const pattern = (text: string) => new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  return Effect === 'Allow' && Resource.some((each) => pattern(each).test(arn));
}

test.for(SCOPES)('a key with %s alone opens exactly the routes that need it', (scope) => {
  const names = Object.keys(ROUTES) as RouteName[];
  const needs = (route: Route) => route.auth.kind === 'key' && route.auth.scope === scope;
  expect(names.filter((name) => allows([scope], name))).toEqual(names.filter((name) => needs(ROUTES[name])));
});
