import { expect, test } from 'vitest';
import { createHandler, handler } from '../../functions/authorizer.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { issueKey, revokeKey } from '../../lib/service/issue-key.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { T0 } from '../support/grants.ts';
import { createMemoryStore } from '../support/memory-store.ts';

const output = captureOutput();
const STAGE_ARN = 'arn:aws:execute-api:us-east-1:000000000000:abcdef1234/api';
const METHOD_ARN = `${STAGE_ARN}/GET/v1/oauth/xero/status/acme`;

async function world() {
  const clock = createFakeClock({ startAt: T0 });
  const ports = { clock, store: createMemoryStore({ now: clock.now }), log: () => {}, environment: 'dev' };
  const request = { name: 'Reports', scopes: ['connections:write'], organizations: ['acme'] } as const;
  const { key, record } = await issueKey(ports, request);
  const ask = (event: unknown) => createHandler(() => ports)(event, invokeContext());
  return { ports, key: key.open(), id: record.pk, ask };
}

test.for<[string, (key: string) => object]>([
  ['as the gateway sends it', (key) => ({ headers: { 'X-API-Key': key }, multiValueHeaders: { 'X-API-Key': [key] } })],
  ['in small letters', (key) => ({ headers: { 'x-api-key': key }, multiValueHeaders: null })],
])('a key %s opens the routes of its scopes, whichever was asked for', async ([, headersOf]) => {
  const { key, id, ask } = await world();
  expect(await ask({ type: 'REQUEST', methodArn: METHOD_ARN, ...headersOf(key) })).toEqual({
    principalId: id,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'execute-api:Invoke',
          Resource: [`${STAGE_ARN}/POST/v1/connect-sessions`, `${STAGE_ARN}/POST/v1/oauth/*/disconnect/*`],
        },
      ],
    },
    context: { keyId: id, scopes: 'connections:write', organizations: '["acme"]', env: 'dev' },
  });
  expect(output.lines()).toMatchObject([{ level: 'INFO', function: 'authorizer', keyId: id }]);
  expect(output.text()).not.toContain(key.slice(-49));
});

test.for<[string, (key: string) => object]>([
  ['no headers', () => ({ headers: null })],
  ['no key', () => ({ headers: { accept: '*/*' } })],
  ['two keys', (key) => ({ headers: { 'x-api-key': key }, multiValueHeaders: { 'x-api-key': [key, key] } })],
  ['a typo', (key) => ({ headers: { 'x-api-key': `${key}x` } })],
])('%s: 401 by the one word the gateway knows', async ([, headersOf]) => {
  const { key, ask } = await world();
  await expect(ask({ methodArn: METHOD_ARN, ...headersOf(key) })).rejects.toEqual(new Error('Unauthorized'));
  expect(output.text()).not.toContain(key.slice(-49));
  expect(output.lines()).toMatchObject([{ level: 'INFO', code: 'unauthorized' }]);
  expect(output.metrics()).toEqual([{ dimensions: [{ outcome: 'unauthorized' }], values: { 'DeniedCalls Count': 1 } }]);
});

test('a key that lacks the scope of the route is counted and named, because the gateway refuses it in silence', async () => {
  const { key, id, ask } = await world();
  const event = { methodArn: METHOD_ARN, headers: { 'x-api-key': key }, httpMethod: 'GET' };
  await ask({ ...event, resource: '/v1/oauth/{provider}/status/{organization_id}' });
  expect(output.metrics()).toEqual([{ dimensions: [{ outcome: 'forbidden' }], values: { 'DeniedCalls Count': 1 } }]);
  expect(output.lines()).toMatchObject([{ level: 'INFO', keyId: id, route: 'status', code: 'forbidden' }]);
});

test.for([
  ['has the scope of the route', { resource: '/v1/connect-sessions', httpMethod: 'POST' }],
  ['asks for a route that needs none', { resource: '/v1/oauth/{provider}/callback', httpMethod: 'GET' }],
  ['asks for what is no route', { resource: '/v1/connect-sessions', httpMethod: 'DELETE' }],
  ['comes by an event that names no route', {}],
] as const)('a key that %s is not counted as denied', async ([, route]) => {
  const { key, ask } = await world();
  await ask({ methodArn: METHOD_ARN, headers: { 'x-api-key': key }, ...route });
  expect(output.metrics()).toEqual([]);
});

test('a revoked key: 401', async () => {
  const { ports, key, id, ask } = await world();
  await revokeKey(ports, id);
  const event = { methodArn: METHOD_ARN, headers: { 'x-api-key': key } };
  await expect(ask(event)).rejects.toEqual(new Error('Unauthorized'));
});

test('a store that does not answer is no 401', async () => {
  const { ports, key, ask } = await world();
  ports.store.failNext({ when: 'before', operation: 'read' });
  const event = { methodArn: METHOD_ARN, headers: { 'x-api-key': key } };
  await expect(ask(event)).rejects.toEqual(new GrantkeeperError('unavailable'));
});

test('the deployed handler without its variables says so', async () => {
  const event = { methodArn: METHOD_ARN, headers: {} };
  await expect(handler(event, invokeContext())).rejects.toEqual(new GrantkeeperError('configuration_missing'));
  expect(output.lines()).toMatchObject([{ level: 'ERROR', missing: 'GK_ENVIRONMENT GK_TABLE_API_KEYS' }]);
});
