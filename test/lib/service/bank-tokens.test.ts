import { expect, test } from 'vitest';
import type { Grant } from '../../../lib/domain/grant.ts';
import type { Transaction } from '../../../lib/domain/write.ts';
import { rescue } from '../../../lib/service/rescue.ts';
import {
  type ConnectWorld,
  createConnectWorld,
  EARLIER,
  living,
  QB,
  quickbooksWorld,
  REALM,
  tokensOf,
  writesGrant,
} from '../../support/connect-world.ts';
import { DAY, heldToken, quickbooksConnection, quickbooksGrant, refreshToken, T0 } from '../../support/grants.ts';

test('a reconnect replaces the tokens, holds the old ones and keeps the company', async () => {
  const world = quickbooksWorld();
  const rejections = { count: 2, firstAt: T0 - 1, lastAt: T0 - 1 };
  const failure = { outcome: 'REJECTED', reason: 'invalid_grant', at: T0 - 1, consecutive: 2 } as const;
  await world.seed(
    quickbooksGrant({
      generation: EARLIER,
      status: 'needs_reauth',
      rejections,
      failure,
      doubts: { 6: T0 },
      notBefore: T0 + DAY,
    }),
    quickbooksConnection(),
    { v: 1, pk: `CLAIM#quickbooks#${REALM}`, sk: 'claim', organizationId: 'acme', linkId: 'link-1' },
  );
  const { url, sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect(url).toContain('connected=true');
  const grant = await living(world, QB);
  expect(grant).toMatchObject({
    status: 'active',
    number: 8,
    tokenVersion: 8,
    orgs: new Set(['acme']),
    current: { attemptId: sessionId, version: 8, generation: grant.generation },
    held: { 'attempt-7': { why: 'displaced', version: 7, generation: 'gen-1', since: T0 } },
    refreshCount: 6,
  });
  expect(grant.doubts).toEqual({});
  for (const gone of ['rejections', 'failure', 'notBefore', 'unservedSince']) expect(grant).not.toHaveProperty(gone);
  const connection = await world.store.readConnection('acme', 'quickbooks');
  expect(connection).toMatchObject({ status: 'connected', version: 2, tenantId: REALM });
  expect(connection?.linkId).not.toBe('link-1');
  expect(await world.store.readClaim('quickbooks', REALM)).toMatchObject({ linkId: connection?.linkId });
});

test.for(['before', 'after'] as const)('a bank whose commit fails %s it happened is repeated', async (when) => {
  const world = quickbooksWorld();
  world.store.failNext({ when, times: 4, matches: writesGrant });
  const { url } = await world.connect('acme', 'quickbooks', REALM);
  expect(url).toContain('connected=true');
  const grant = await living(world, QB);
  expect(grant.number).toBe(1);
  expect(await tokensOf(world, grant)).toEqual(['access-1', 'refresh-1']);
});

test('when the audit table holds the bank up, the row is owed by the grant', async () => {
  const world = quickbooksWorld();
  const isBank = ({ writes }: Transaction) => writes[0]?.table === 'grants' && writes[1]?.table === 'audit';
  world.store.failNext({ when: 'before', times: 1_000, matches: isBank });
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect(await living(world, QB)).toMatchObject({ auditOwed: { event: 'grant.banked', pk: `GRANT#${QB}`, number: 1 } });
});

const countedBy = (world: ConnectWorld) => world.metrics.filter((metric) => !metric.startsWith('CommitRetries'));

test('tokens that cannot be stored by the deadline are on the rescue queue, and the flow fails', async () => {
  const world = quickbooksWorld();
  world.store.failNext({ when: 'before', times: 10_000, matches: writesGrant });
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect(await world.flow(sessionId)).toMatchObject({ stage: 'failed', error: 'unavailable' });
  expect(countedBy(world)).toEqual(['RescueQueued 1', 'ConnectOutcome unavailable 1', 'ConnectFault 1']);
  expect(world.rescues).toMatchObject([
    {
      v: 1,
      kind: 'bank',
      authorization: { grant: QB, attemptId: sessionId, organizationId: 'acme', clientId: 'client-1' },
    },
  ]);
  expect(JSON.stringify([world.rescues, world.log])).not.toMatch(/access-1|refresh-1/);
});

test('what waits on the queue is banked from there, for whoever tries again', async () => {
  const world = quickbooksWorld();
  let isDown = true;
  world.store.failNext({ when: 'before', times: 10_000, matches: (each) => isDown && writesGrant(each) });
  const first = await world.connect('acme', 'quickbooks', REALM);
  const [message] = world.rescues;
  if (message === undefined) throw new Error('nothing was put on the queue');
  isDown = false;
  expect(await rescue(world.ports, message, world.clock.now() + 40_000)).toBe('banked');
  const grant = await living(world, QB);
  expect(grant).toMatchObject({ number: 1, current: { attemptId: first.sessionId } });
  expect(grant).not.toHaveProperty('orgs');
  expect(await tokensOf(world, grant)).toEqual(['access-1', 'refresh-1']);
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect(await living(world, QB)).toMatchObject({ number: 2, orgs: new Set(['acme']) });
});

test('tokens that neither store nor queue take count as at risk, and the flow fails', async () => {
  const world = quickbooksWorld();
  world.store.failNext({ when: 'before', times: 10_000, matches: writesGrant });
  world.behaviour.rescueQueue = 'unreachable';
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect(await world.flow(sessionId)).toMatchObject({ stage: 'failed', error: 'unavailable' });
  expect(countedBy(world)).toEqual(['TokenAtRisk 1', 'ConnectOutcome unavailable 1', 'ConnectFault 1']);
});

/** By more than clocks are apart. */
const MINUTES_LATER = '01KAFZ9ZZZAAAAAAAAAAAAAAAA';

test('a grant that is disconnected while its user authorises it keeps the tokens to revoke them', async () => {
  const world = quickbooksWorld();
  const given = quickbooksGrant({ generation: EARLIER });
  await world.seed(given, quickbooksConnection());
  const { exchange } = world.provider.endpoint;
  world.provider.endpoint.exchange = async (request) => {
    const { access: _a, orgs: _o, ...rest } = given;
    await world.seed({ ...rest, status: 'closing', generation: MINUTES_LATER, dueAt: T0 } as Grant);
    return exchange(request);
  };
  const { url, sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect(url).toContain('error=exchange_failed');
  const grant = await world.store.readGrant(QB);
  expect(grant).toMatchObject({ status: 'closing', number: 7, current: { attemptId: 'attempt-7' } });
  expect(Object.keys(grant?.held ?? {})).toEqual([sessionId]);
});

test('a refresh that commits between read and bank is held, not lost', async () => {
  const world = quickbooksWorld();
  const given = quickbooksGrant({ generation: EARLIER });
  await world.seed(given, quickbooksConnection());
  let raced = false;
  world.store.onCommit({
    async before(transaction) {
      if (raced || !writesGrant(transaction)) return;
      raced = true;
      await world.seed({ ...given, number: 8, tokenVersion: 8, current: refreshToken('attempt-8', 8) });
    },
  });
  await world.connect('acme', 'quickbooks', REALM);
  const grant = await living(world, QB);
  expect([grant.number, grant.tokenVersion]).toEqual([9, 9]);
  expect(Object.keys(grant.held)).toEqual(['attempt-8']);
});

test('a running refresh stays as quarantine and the grant is due when it ends', async () => {
  const world = quickbooksWorld();
  const attempt = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
  await world.seed(quickbooksGrant({ generation: EARLIER, number: 8, attempt }), quickbooksConnection());
  await world.connect('acme', 'quickbooks', REALM);
  expect(await living(world, QB)).toMatchObject({ number: 9, tokenVersion: 9, attempt, dueAt: T0 + 125_000 });
});

test.for([
  // The lease that holds off the revocation takes a number of its own.
  [
    'closing',
    { current: refreshToken('attempt-7', 7), held: { h: heldToken('h', 6, 'late', T0) } },
    11,
    ['h', 'attempt-7'],
  ],
  ['closed', { held: {} }, 10, []],
] as const)(
  'a new authorisation revives a %s grant and keeps what waited to be revoked',
  async ([status, left, number, kept]) => {
    const world = quickbooksWorld();
    const { orgs: _o, access: _a, current: _c, dueAt: _d, duePartition: _p, ...base } = quickbooksGrant();
    await world.seed({ ...base, ...left, status, generation: EARLIER, number: 9 } as Grant);
    expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
    const grant = await living(world, QB);
    expect(grant).toMatchObject({ status: 'active', number, tokenVersion: number });
    expect(Object.keys(grant.held)).toEqual(kept);
  },
);

test("an accountant's user serves two organisations from one grant", async () => {
  const world = createConnectWorld();
  const one = { tenantId: 't-1', providerConnectionId: 'conn-1' };
  const two = { tenantId: 't-2', providerConnectionId: 'conn-2' };
  world.provider.state.authorised = { subject: 'user-1', now: [one] };
  const first = await world.connect('acme', 'xero');
  world.provider.state.authorised = { subject: 'user-1', now: [two], before: [one] };
  const second = await world.connect('beta', 'xero');
  const grant = await living(world, 'xero#user-1');
  expect(grant.orgs).toEqual(new Set(['acme', 'beta']));
  expect(grant.current.attemptId).toBe(second.sessionId);
  expect(Object.keys(grant.held)).toEqual([first.sessionId]);
  expect(await tokensOf(world, grant)).toEqual(['access-2', 'refresh-2']);
  const held = grant.held[first.sessionId];
  if (held === undefined) throw new Error('not held');
  const opened = await world.cipher.open(held, { provider: 'xero', grant: 'xero#user-1', purpose: 'refresh' });
  expect(opened.open()).toBe('refresh-1');
});
