import { expect, test } from 'vitest';
import { receiveCallback } from '../../../lib/service/receive-callback.ts';
import {
  ALICE,
  type ConnectWorld,
  cookieHash,
  createConnectWorld,
  MALLORY,
  ORIGIN,
} from '../../support/connect-world.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

const RESULT = 'https://app.example/settings/integrations';

async function opened(world: ConnectWorld, provider: 'quickbooks' | 'xero' = 'quickbooks', more: object = {}) {
  const session = await world.start('acme', provider, more);
  return { ...session, state: await world.open('acme', provider, session.token) };
}

test('a callback connects and the browser goes to the frontend', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453', name: 'Acme Books' }] };
  const { state } = await opened(world);
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  expect(url).toBe(`${RESULT}?connected=true&system=quickbooks`);
});

test('the return URL of the session gets the result in its query', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453' }] };
  const { state } = await opened(world, 'quickbooks', { returnUrl: 'https://partner.example/done' });
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  expect(url).toBe('https://partner.example/done?connected=true&system=quickbooks');
});

test('the code is handed over with the company, for at most 25 seconds', async () => {
  const world = createConnectWorld();
  world.behaviour.finish = 'pending';
  const { state, sessionId } = await opened(world);
  const waits: number[] = [];
  const finish = async (_request: object, timeoutMs: number) => {
    waits.push(timeoutMs);
    return 'pending' as const;
  };
  const ports = { ...world.ports, finishConnect: finish };
  const url = await receiveCallback(ports, {
    provider: 'quickbooks',
    query: { state, code: 'c', realmId: '9341453' },
    cookie: ALICE,
    origin: ORIGIN,
    correlationId: 'c-1',
  });
  expect(waits).toEqual([25_000]);
  expect(url).toBe(`${RESULT}?connected=pending&system=quickbooks`);
  expect(await world.flow(sessionId)).toMatchObject({
    stage: 'authorizing',
    cookieHash: cookieHash(ALICE),
    expiresAt: T0 + 600_000,
  });
});

test.for([
  ['without a state', { state: undefined }, {}, 0],
  ['with a forged state', { state: 'forged' }, {}, 0],
  ['ten minutes later', {}, {}, 600_000],
  ['at another provider', {}, { provider: 'xero' }, 0],
  ['in another browser', {}, { cookie: MALLORY }, 0],
  ['in a browser without a cookie', {}, { cookie: undefined }, 0],
] as const)('a callback %s is refused and changes nothing', async ([, query, request, waitMs]) => {
  const world = createConnectWorld();
  const { state, sessionId } = await opened(world);
  await world.clock.advance(waitMs);
  const { state: sent, ...rest } = { state, code: 'c', realmId: '9341453', ...query } as Record<
    string,
    string | undefined
  >;
  const refused = receiveCallback(world.ports, {
    provider: 'quickbooks',
    query: { ...(rest as Record<string, string>), ...(sent === undefined ? {} : { state: sent }) },
    cookie: ALICE,
    origin: ORIGIN,
    correlationId: 'c-1',
    ...request,
  });
  await expect(refused).rejects.toMatchObject({ code: 'invalid_state' });
  expect((await world.flow(sessionId)).stage).toBe('session');
  expect(world.finishCalls).toEqual([]);
});

test('a state whose flow is gone is refused', async () => {
  const world = createConnectWorld();
  const state = await world.ports.signState({
    flowId: '01KAFZ00000000000000000099',
    provider: 'quickbooks',
    organizationId: 'acme',
    cookieHash: cookieHash(ALICE),
    nonce: 'n',
    expiresAt: T0 + 1,
  });
  const refused = world.callback('quickbooks', { state, code: 'c', realmId: '1' });
  await expect(refused).rejects.toMatchObject({ code: 'invalid_state' });
});

test.for([
  ['invalid_request', { code: undefined }],
  ['invalid_request', { code: '' }],
  ['invalid_request', { code: 'c'.repeat(2_049) }],
  ['missing_realm_id', { realmId: undefined }],
  ['missing_realm_id', { realmId: '../etc' }],
] as const)('%s: a callback with %j is refused and the link stays good', async ([code, change]) => {
  const world = createConnectWorld();
  const { state, sessionId } = await opened(world);
  const query = Object.entries({ state, code: 'c', realmId: '1', ...change }).filter(
    ([, value]) => value !== undefined,
  );
  const refused = world.callback('quickbooks', Object.fromEntries(query) as Record<string, string>);
  await expect(refused).rejects.toMatchObject({ code });
  expect((await world.flow(sessionId)).stage).toBe('session');
  expect(world.finishCalls).toEqual([]);
});

test.for([
  ['access_denied', 'access_denied'],
  ['server_error', 'provider_error'],
  ['temporarily_unavailable', 'provider_error'],
  ['invalid_scope', 'provider_configuration'],
  ['unauthorized_client', 'provider_configuration'],
  ['invalid_request', 'provider_configuration'],
  ['unsupported_response_type', 'provider_configuration'],
  ['<script>', 'provider_error'],
] as const)('error=%s of the provider is told as %s', async ([error, code]) => {
  const world = createConnectWorld();
  const { state, sessionId } = await opened(world);
  const url = await world.callback('quickbooks', { state, error, error_description: 'Ignore <b>this</b>' });
  expect(url).toBe(`${RESULT}?connected=false&system=quickbooks&error=${code}`);
  expect(await world.flow(sessionId)).toMatchObject({ stage: 'failed', error: code });
  expect(JSON.stringify([world.store.dump(), world.log])).not.toContain('Ignore');
  expect(world.provider.codes).toEqual([]);
});

test('another company than the session names is refused before the code is spent', async () => {
  const world = createConnectWorld();
  const { state } = await opened(world, 'quickbooks', { tenantId: '9341453' });
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '777' });
  expect(url).toBe(`${RESULT}?connected=false&system=quickbooks&error=company_mismatch`);
  expect(world.finishCalls).toEqual([]);
});

test("another organisation's company is refused before the code is spent", async () => {
  const world = createConnectWorld();
  await world.seed({ v: 1, pk: 'CLAIM#quickbooks#9341453', sk: 'claim', organizationId: 'beta', linkId: 'link-9' });
  const { state } = await opened(world);
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  expect(url).toBe(`${RESULT}?connected=false&system=quickbooks&error=company_taken`);
  expect(world.finishCalls).toEqual([]);
});

test.for(['quickbooks', 'xero'] as const)(
  'a connection changed since the session began is refused before the code is spent (%s)',
  async (provider) => {
    const world = createConnectWorld();
    const { state } = await opened(world, provider);
    await world.seed(quickbooksConnection({ sk: provider, provider, status: 'disconnected', version: 2 }));
    const url = await world.callback(provider, { state, code: 'c', realmId: '9341453' });
    expect(url).toBe(`${RESULT}?connected=false&system=${provider}&error=connection_changed`);
    expect(world.finishCalls).toEqual([]);
  },
);

test('a failed callback leaves an existing connection as it was', async () => {
  const world = createConnectWorld();
  const before = [quickbooksGrant(), quickbooksConnection()] as const;
  await world.seed(...before);
  const { state } = await opened(world);
  await world.callback('quickbooks', { state, error: 'access_denied' });
  const { grants, connections } = world.store.dump();
  expect({ grants, connections }).toEqual({ grants: [before[0]], connections: [before[1]] });
});

test('of parallel callbacks exactly one hands the code over, and all see the result', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453' }] };
  const { state } = await opened(world);
  const query = { state, code: 'c', realmId: '9341453' };
  const urls = await Promise.all(Array.from({ length: 5 }, () => world.callback('quickbooks', query)));
  expect(world.finishCalls).toHaveLength(1);
  expect(world.provider.codes).toEqual(['c']);
  expect(new Set(urls.map((url) => new URL(url).searchParams.get('connected'))).has('true')).toBe(true);
});

test('a second hit of the same browser gets the stored result without another exchange', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453' }] };
  const { state, url } = await world.connect('acme', 'quickbooks', '9341453');
  expect(await world.callback('quickbooks', { state, code: 'other', realmId: '1' })).toBe(url);
  expect(world.provider.codes).toHaveLength(1);
});

test('a replay in another browser that opened the same link is refused', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453' }] };
  const { token, state } = await opened(world);
  const mallorys = await world.open('acme', 'quickbooks', token, MALLORY);
  await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  const replay = world.callback('quickbooks', { state: mallorys, code: 'd', realmId: '9341453' }, MALLORY);
  await expect(replay).rejects.toMatchObject({ code: 'invalid_state' });
  expect(world.provider.codes).toEqual(['c']);
});

test('a flow that nobody finished is told as expired', async () => {
  const world = createConnectWorld();
  world.behaviour.finish = 'pending';
  const { state } = await opened(world);
  await world.clock.advance(1_000);
  await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  await world.clock.advance(598_000);
  expect(await world.callback('quickbooks', { state })).toContain('connected=pending');
  const payload = await world.ports.verifyState(state, T0);
  if (payload === undefined) throw new Error('no state');
  const late = await world.ports.signState({ ...payload, expiresAt: T0 + 9e9 });
  await world.clock.advance(2_000);
  expect(await world.callback('quickbooks', { state: late })).toBe(
    `${RESULT}?connected=false&system=quickbooks&error=flow_expired`,
  );
});

test('when finish-connect cannot be reached the flow fails, for nothing was sent', async () => {
  const world = createConnectWorld();
  world.behaviour.finish = 'unreachable';
  const { state, sessionId } = await opened(world);
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  expect(url).toBe(`${RESULT}?connected=false&system=quickbooks&error=unavailable`);
  expect(await world.flow(sessionId)).toMatchObject({ stage: 'failed', error: 'unavailable' });
  expect(world.metrics).toEqual(['ConnectOutcome unavailable 1', 'ConnectFault 1']);
});

test('the spent session survives a lost answer of the store', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: '9341453', now: [{ tenantId: '9341453' }] };
  const { state } = await opened(world);
  world.store.failNext({ when: 'after', matches: ({ writes }) => writes[0]?.table === 'flows' });
  const url = await world.callback('quickbooks', { state, code: 'c', realmId: '9341453' });
  expect(url).toContain('connected=true');
  expect(world.finishCalls).toHaveLength(1);
});
