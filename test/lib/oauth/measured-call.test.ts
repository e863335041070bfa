import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { createTenantDirectory } from '../../../lib/oauth/tenant-directory.ts';
import { createTokenEndpoint } from '../../../lib/oauth/token-endpoint.ts';
import type { CountMetric } from '../../../lib/service/ports.ts';
import { type Behaviour, startFakeTokenEndpoint } from '../../support/fake-token-endpoint.ts';

const CLIENT = { clientId: 'client-1', clientSecret: new Secret('client-secret') };
const ISSUED = { access_token: 'new-access', refresh_token: 'new-refresh', token_type: 'bearer', expires_in: 3600 };
const answer = (status: number, body: object = {}): Behaviour => ({ kind: 'answer', status, body });

afterEach(() => vi.restoreAllMocks());

async function provider(behaviour: Behaviour, count: CountMetric) {
  const fake = await startFakeTokenEndpoint([behaviour]);
  onTestFinished(() => fake.close());
  return provideAt(fake.origin, count);
}

function provideAt(origin: string, count: CountMetric) {
  const hosts = () => ({ authorize: origin, token: origin, revoke: origin, api: origin });
  const world = { hosts, now: () => 1_795_176_000_000, count, limits: { connectMs: 300, answerMs: 80 } };
  const tokens = createTokenEndpoint(world);
  const tenants = createTenantDirectory(world);
  const xero = { provider: 'xero', environment: 'sandbox', accessToken: new Secret('access') } as const;
  return {
    refresh: () => tokens.refresh({ provider: 'xero', client: CLIENT, refreshToken: new Secret('old-refresh') }),
    exchange: () =>
      tokens.exchange({ provider: 'xero', client: CLIENT, code: new Secret('code'), redirectUri: 'https://a.example' }),
    revoke: () => tokens.revoke({ provider: 'quickbooks', client: CLIENT, token: new Secret('old-refresh') }),
    probe: () => tokens.probe({ provider: 'xero', client: CLIENT }),
    tenants: () => tenants.list(xero),
    detach: () => tenants.detach({ ...xero, providerConnectionId: 'e1eede29-f875-4a5d-8470-17f6a29a88b1' }),
  };
}

function counter() {
  const counted: Parameters<CountMetric>[] = [];
  const count: CountMetric = (...counting) => counted.push(counting);
  return { counted, count };
}

test.for([
  ['refresh', 'xero'],
  ['exchange', 'xero'],
  ['revoke', 'quickbooks'],
  ['probe', 'xero'],
  ['tenants', 'xero'],
  ['detach', 'xero'],
] as const)('%s is counted with its latency, once, under its provider', async ([request, providerId]) => {
  const { counted, count } = counter();
  const ask = (await provider(answer(503), count))[request];
  await ask();
  expect(counted).toEqual([
    ['ProviderLatency', expect.any(Number), { provider: providerId, outcome: request }],
    ['ProviderAnswer', 1, { provider: providerId, outcome: '5xx' }],
  ]);
});

test.for<[string, Behaviour]>([
  ['2xx', answer(200, ISSUED)],
  ['3xx', answer(302)],
  ['4xx', answer(400, { error: 'invalid_grant' })],
  ['4xx', answer(401)],
  ['429', answer(429)],
  ['5xx', answer(500)],
  ['none', { kind: 'raw', text: '', next: 'stall' }],
  ['none', { kind: 'raw', text: 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{', next: 'end' }],
])('an answer is of class %s', async ([outcome, behaviour]) => {
  const { counted, count } = counter();
  await (await provider(behaviour, count)).refresh();
  expect(counted[1]).toEqual(['ProviderAnswer', 1, { provider: 'xero', outcome }]);
});

test('a provider that cannot be reached has not answered', async () => {
  const { counted, count } = counter();
  const fake = await startFakeTokenEndpoint([answer(200)]);
  await fake.close();
  expect(await provideAt(fake.origin, count).refresh()).toMatchObject({ kind: 'NOT_SENT', reason: 'connect_refused' });
  expect(counted).toEqual([
    ['ProviderLatency', expect.any(Number), { provider: 'xero', outcome: 'refresh' }],
    ['ProviderAnswer', 1, { provider: 'xero', outcome: 'none' }],
  ]);
});

test('the latency is the time until the answer was given up', async () => {
  const { counted, count } = counter();
  await (await provider({ kind: 'raw', text: '', next: 'stall' }, count)).refresh();
  const [, latencyMs] = counted[0] ?? [];
  expect(latencyMs).toBeGreaterThanOrEqual(78);
  expect(latencyMs).toBeLessThan(400);
  expect(Number.isInteger(latencyMs)).toBe(true);
});

test('what never left us is counted nowhere', async () => {
  const { counted, count } = counter();
  const endpoint = provideAt('http://provider.example', count);
  expect(await endpoint.refresh()).toMatchObject({ kind: 'NOT_SENT', reason: 'insecure_endpoint' });
  expect(counted).toEqual([]);
});

test('a count that fails does not cost the tokens that were issued', async () => {
  const count: CountMetric = () => {
    throw new Error('no metrics today');
  };
  const outcome = await (await provider(answer(200, ISSUED), count)).refresh();
  expect(outcome.kind === 'OK' && outcome.tokens.refreshToken?.open()).toBe('new-refresh');
});
