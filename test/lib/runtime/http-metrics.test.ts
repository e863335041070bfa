import { expect, test } from 'vitest';
import { type ErrorCode, GrantkeeperError } from '../../../lib/domain/errors.ts';
import { requireOrganization } from '../../../lib/domain/key-access.ts';
import type { RouteName } from '../../../lib/domain/routes.ts';
import { httpHandler } from '../../../lib/runtime/http.ts';
import { createCountMetric } from '../../../lib/runtime/metrics.ts';
import { captureOutput } from './captured-output.ts';
import { FULL_KEY, httpEvent, type RequestOptions } from './http-event.ts';

const output = captureOutput();
const CONTEXT = { getRemainingTimeInMillis: () => 15_000 };
const PARAMETERS = { provider: 'xero', organization_id: 'acme' };
const STATUS: RequestOptions = { parameters: PARAMETERS, authorizer: FULL_KEY };

const denied = (outcome: string) => ({ dimensions: [{ outcome }], values: { 'DeniedCalls Count': 1 } });

async function asking(options: RequestOptions, error?: GrantkeeperError, route: RouteName = 'status') {
  const handler = httpHandler(route, async ({ key }) => {
    if (error !== undefined) throw error;
    requireOrganization(key, 'acme');
    return { status: 200, body: {} };
  });
  return await handler(httpEvent(route, options), CONTEXT);
}

test('metrics counted in a request are written at its end, also when it fails', async () => {
  const count = createCountMetric();
  const handler = httpHandler('status', async () => {
    count('ConnectOutcome', 1, { provider: 'xero', outcome: 'linked' });
    throw new GrantkeeperError('not_found');
  });
  await handler(httpEvent('status', STATUS), CONTEXT);
  expect(output.metrics()).toEqual([
    { dimensions: [{ provider: 'xero', outcome: 'linked' }], values: { 'ConnectOutcome Count': 1 } },
  ]);
});

test('two requests at once keep their correlation ids apart', async () => {
  const seen: unknown[] = [];
  const handler = httpHandler('status', async ({ correlationId }) => {
    await new Promise((resolve) => setTimeout(resolve, correlationId === 'first' ? 20 : 5));
    seen.push(correlationId);
    return { status: 200, body: {} };
  });
  const ask = (id: string) => handler(httpEvent('status', { ...STATUS, headers: { 'x-correlation-id': id } }), CONTEXT);
  await Promise.all([ask('first'), ask('second')]);
  expect(seen).toEqual(['second', 'first']);
  expect(output.lines().map(({ correlationId }) => correlationId)).toEqual(['second', 'first']);
});

test.for<[string, RequestOptions, ErrorCode]>([
  ['without a key', { parameters: PARAMETERS }, 'unauthorized'],
  ['without the scope', { ...STATUS, authorizer: { ...FULL_KEY, scopes: 'tokens:read' } }, 'forbidden'],
  [
    'for an organisation the key may not see',
    { ...STATUS, authorizer: { ...FULL_KEY, organizations: '["other"]' } },
    'not_found',
  ],
])('a request %s is counted as denied', async ([, options, code]) => {
  const { body } = await asking(options);
  expect(JSON.parse(body).error.code).toBe(code);
  expect(output.metrics()).toEqual([denied(code)]);
});

test('a callback whose state is not to be trusted is counted as denied', async () => {
  await asking({ parameters: { provider: 'xero' } }, new GrantkeeperError('invalid_state'), 'callback');
  expect(output.metrics()).toEqual([denied('invalid_state')]);
});

test.for([
  ['an object that does not exist', new GrantkeeperError('not_found')],
  ['a request that is not valid', new GrantkeeperError('invalid_request')],
  ['a failure of ours', new GrantkeeperError('unavailable')],
  ['nothing at all', undefined],
] as const)('%s is no denial', async ([, error]) => {
  await asking(STATUS, error);
  expect(output.metrics()).toEqual([]);
});

test('another organisation’s object and none look the same to the caller', async () => {
  const others = await asking({ ...STATUS, authorizer: { ...FULL_KEY, organizations: '["other"]' } });
  const none = await asking(STATUS, new GrantkeeperError('not_found'));
  expect(others).toEqual(none);
});
