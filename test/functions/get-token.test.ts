import { expect, test } from 'vitest';
import { createHandler, handler } from '../../functions/get-token.ts';
import { ERRORS, type ErrorCode } from '../../lib/domain/errors.ts';
import type { LivingGrant } from '../../lib/domain/grant.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { createCountMetric } from '../../lib/runtime/metrics.ts';
import type { GetTokenPorts } from '../../lib/service/get-access-token.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../support/grants.ts';
import { createMemoryCipher } from '../support/memory-cipher.ts';
import { createMemoryStore } from '../support/memory-store.ts';

const output = captureOutput();
const CONSUMERS = {
  reports: { organisations: ['acme'], providers: ['quickbooks'] },
  payroll: { organisations: '*', providers: ['xero'] },
} as const;
const ASK = { organizationId: 'acme', provider: 'quickbooks' };
const TOKEN = 'eyJhbGciOiJkaXIi.secret-access-token';

async function world(grant?: Partial<LivingGrant>) {
  const clock = createFakeClock({ startAt: T0 + 60_000, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  const cipher = createMemoryCipher();
  if (grant !== undefined) await store.commit(await seed(cipher, grant));
  const ports: GetTokenPorts = {
    store,
    cipher,
    clock,
    policies: createPolicies(),
    requestRefresh: async () => undefined,
    apiBaseUrl: () => 'https://sandbox-quickbooks.api.intuit.com',
    allowSharedGrants: false,
    count: createCountMetric(),
    log: () => undefined,
    remembered: new Map(),
  };
  const ask = (event: unknown, alias: string | undefined = 'reports') =>
    createHandler(
      () => ports,
      () => CONSUMERS,
    )(event, invokeContext(alias));
  return { ask };
}

async function seed(
  cipher: ReturnType<typeof createMemoryCipher>,
  changes: Partial<LivingGrant>,
): Promise<Transaction> {
  const grant = quickbooksGrant({ lastUsedAt: T0, ...changes });
  const sealer = await cipher.arm({ provider: 'quickbooks', grant: grant.pk, purpose: 'access' });
  const access = { ...grant.access, ...sealer.seal(new Secret(TOKEN), grant.pk, grant.access.attemptId) };
  const connection = quickbooksConnection();
  const { pk, sk } = connection;
  return {
    token: 'seed',
    writes: [
      { table: 'grants', key: { pk: grant.pk }, when: [], op: 'put', item: { ...grant, access } },
      { table: 'connections', key: { pk, sk }, when: [], op: 'put', item: connection },
    ],
  };
}

/** Said of every call: how long it took, and whether it failed through no doing of its caller. */
function serveCounted(fault: 0 | 1) {
  return {
    dimensions: [{}],
    values: { 'ServeFault Count': fault, 'ServeLatency Milliseconds': expect.any(Number) },
  };
}

function refused(code: ErrorCode, more: object = {}) {
  return { status: 'error', code, message: ERRORS[code].message, ...more };
}

test('a consumer gets its token whole', async () => {
  const { ask } = await world({});
  expect(await ask({ ...ASK, minValiditySeconds: 60, correlationId: 'job-1' })).toEqual({
    status: 'ok',
    accessToken: TOKEN,
    tokenType: 'Bearer',
    expiresAt: '2026-11-20T13:00:00.000Z',
    tokenVersion: 7,
    tenantId: '9341453',
    environment: 'sandbox',
    apiBaseUrl: 'https://sandbox-quickbooks.api.intuit.com',
  });
  expect(output.text()).not.toContain('secret-access-token');
  expect(output.lines()).toEqual([
    {
      level: 'INFO',
      message: 'invocation',
      correlationId: 'job-1',
      function: 'get-token',
      consumer: 'reports',
      organizationId: 'acme',
      provider: 'quickbooks',
      tokenVersion: 7,
      outcome: 'ok',
      durationMs: expect.any(Number),
    },
  ]);
  expect(new Set(output.metrics())).toEqual(
    new Set([
      { dimensions: [{ provider: 'quickbooks', outcome: 'ok' }], values: { 'TokenServed Count': 1 } },
      serveCounted(0),
    ]),
  );
});

test.for([
  ['unqualified', undefined],
  ['by $LATEST', '$LATEST'],
  ['by a version', '12'],
  ['by an alias that is no consumer', 'others'],
] as const)('invoked %s it refuses, whatever is asked', async ([, alias]) => {
  const { ask } = await world({});
  const context = alias === undefined ? ask(ASK, '') : ask(ASK, alias);
  expect(await context).toEqual(refused('consumer_refused'));
  expect(await ask({ rubbish: true }, alias ?? '')).toEqual(refused('consumer_refused'));
});

test.for([
  ['an organisation that is not its', { ...ASK, organizationId: 'beta' }, 'reports'],
  ['a provider that is not its', ASK, 'payroll'],
] as const)('a consumer that asks for %s is refused, and it is counted', async ([, event, alias]) => {
  const { ask } = await world({});
  expect(await ask(event, alias)).toEqual(refused('consumer_refused'));
  expect(new Set(output.metrics())).toEqual(
    new Set([
      { dimensions: [{ provider: 'quickbooks', outcome: 'consumer_refused' }], values: { 'TokenServed Count': 1 } },
      { dimensions: [{ outcome: 'consumer_refused' }], values: { 'DeniedCalls Count': 1 } },
      serveCounted(0),
    ]),
  );
});

test.for([
  [undefined, 'invalid_request', 'input'],
  [{ provider: 'quickbooks' }, 'invalid_organization_id', 'organizationId'],
  [{ ...ASK, organizationId: '-acme' }, 'invalid_organization_id', 'organizationId'],
  [{ ...ASK, provider: 'sage' }, 'unknown_provider', 'provider'],
  [{ ...ASK, force: true }, 'invalid_request', 'force'],
  [{ ...ASK, minValiditySeconds: -1 }, 'invalid_request', 'minValiditySeconds'],
  [{ ...ASK, minValiditySeconds: 86_401 }, 'invalid_request', 'minValiditySeconds'],
  [{ ...ASK, minValiditySeconds: '60' }, 'invalid_request', 'minValiditySeconds'],
  [{ ...ASK, rejected: { tokenVersion: 7, reason: 'other' } }, 'invalid_request', 'rejected.reason'],
  [{ ...ASK, rejected: { tokenVersion: 1.5, reason: 'token' } }, 'invalid_request', 'rejected.tokenVersion'],
  [{ ...ASK, rejected: { tokenVersion: 7, reason: 'token', token: 'x' } }, 'invalid_request', 'rejected.token'],
] as const)('%j is refused as %s of %s', async ([event, code, field]) => {
  const { ask } = await world({});
  expect(await ask(event)).toEqual(refused(code, { field }));
});

test('an organisation that never connected needs its user', async () => {
  const { ask } = await world();
  expect(await ask(ASK)).toEqual(refused('not_connected', { reconnectRequired: true }));
  expect(output.metrics()).toContainEqual(serveCounted(0));
});

test('the deployed handler without its map says so, and it counts as our fault', async () => {
  expect(await handler(ASK, invokeContext('default'))).toEqual(refused('configuration_missing'));
  expect(output.lines()).toMatchObject([{ level: 'ERROR', missing: 'consumers.json' }]);
  expect(output.metrics()).toEqual([serveCounted(1)]);
});
