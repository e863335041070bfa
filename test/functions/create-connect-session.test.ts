import { beforeEach, expect, test, vi } from 'vitest';
import { createHandler } from '../../functions/create-connect-session.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { createConnectWorld } from '../support/connect-world.ts';
import { ACME_KEY, send } from './connect-api.ts';

captureOutput();

beforeEach(() => {
  vi.stubEnv('GK_PUBLIC_URL', 'https://gk.example/api');
});

const post = (body: unknown, authorizer: Record<string, string> | undefined = ACME_KEY) => {
  const world = createConnectWorld();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = send(
    createHandler(() => world.ports),
    'createConnectSession',
    {
      body: text,
      ...(authorizer === undefined ? {} : { authorizer }),
    },
  );
  return answer.then((result) => ({ ...result, flows: world.store.dump().flows }));
};

test('a session is created for one of the key’s organisations', async () => {
  const { status, body, flows } = await post({
    organization_id: 'acme',
    provider: 'quickbooks',
    user_id: 'ann@partner.example',
    tenant_id: '9341453',
    return_url: 'https://partner.example/done',
  });
  expect(status).toBe(201);
  expect(body).toEqual({
    session_id: '01KAFZ00000000000000000001',
    connect_url:
      'https://gk.example/api/v1/oauth/quickbooks/connect/acme?session=01KAFZ00000000000000000001.secret-1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    expires_at: '2026-11-20T12:15:00.000Z',
  });
  expect(flows).toMatchObject([
    { userId: 'ann@partner.example', expectedTenantId: '9341453', returnUrl: 'https://partner.example/done' },
  ]);
});

const GOOD = { organization_id: 'acme', provider: 'quickbooks' };

test.for([
  ['nothing', '', 400, 'invalid_request', 'body'],
  ['no JSON', '{', 400, 'invalid_request', 'body'],
  ['a list', [], 400, 'invalid_request', 'body'],
  ['no organisation', { provider: 'xero' }, 400, 'invalid_organization_id', 'organization_id'],
  ['a bad organisation', { ...GOOD, organization_id: '../x' }, 400, 'invalid_organization_id', 'organization_id'],
  ['an unknown provider', { ...GOOD, provider: 'sage' }, 400, 'unknown_provider', 'provider'],
  ['an unknown field', { ...GOOD, colour: 'red' }, 400, 'invalid_request', 'colour'],
  ['a tenant that cannot be one', { ...GOOD, tenant_id: 'a/b' }, 400, 'invalid_request', 'tenant_id'],
  ['a user with a line break', { ...GOOD, user_id: 'a\nb' }, 400, 'invalid_request', 'user_id'],
  ['an empty user', { ...GOOD, user_id: '' }, 400, 'invalid_request', 'user_id'],
  ['an unlisted return URL', { ...GOOD, return_url: 'https://evil.example' }, 400, 'invalid_return_url', 'return_url'],
  ["another key's organisation", { ...GOOD, organization_id: 'beta' }, 404, 'not_found', undefined],
] as const)('%s is refused', async ([, sent, expected, code, field]) => {
  const { status, body, flows } = await post(sent);
  expect([status, body.error.code, body.error.field]).toEqual([expected, code, field]);
  expect(flows).toEqual([]);
});

test('a key without the scope is refused', async () => {
  const { status, body } = await post(GOOD, { ...ACME_KEY, scopes: 'connections:read' });
  expect([status, body.error.code]).toEqual([403, 'forbidden']);
});
