import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { Transaction } from '../../../lib/domain/write.ts';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createSingleFlight } from '../../../lib/service/single-flight.ts';
import { DAY, HOUR, MINUTE, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld, rejected } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

const LEASED = { outcome: 'leased', retryAt: T0 + 125_000 } as const;

function ask(world: RefreshWorld, changes: Partial<RefreshRequest> = {}) {
  return refreshGrant(world.ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
}

test.for([
  ['a fresh token', {}, {}, { outcome: 'not_due' }],
  [
    'a rejected version that is not the current',
    {},
    { trigger: 'rejected', rejectedVersion: 6 },
    { outcome: 'not_due' },
  ],
  [
    'a version rejected again within a minute',
    { forcedAt: T0 - 59_999 },
    { trigger: 'rejected', rejectedVersion: 7 },
    { outcome: 'not_due' },
  ],
  [
    'a company looked up within a minute',
    { tenantCheckedAt: T0 - 59_999 },
    { trigger: 'tenant' },
    { outcome: 'not_due' },
  ],
  [
    'a leased grant',
    { ...EXPIRED, attempt: { number: 7, id: 'other', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } },
    {},
    { outcome: 'leased', retryAt: T0 + 125_000 },
  ],
  ['a grant that has to wait', { ...EXPIRED, notBefore: T0 + 5 }, {}, { outcome: 'backing_off', retryAt: T0 + 5 }],
] as const)('%s causes no request', async ([, changes, request, answer]) => {
  const world = createRefreshWorld();
  await world.given(changes as never);
  expect(await ask(world, request as never)).toEqual(answer);
  expect(world.sent).toEqual([]);
});

test('a grant that does not exist is gone', async () => {
  expect(await ask(createRefreshWorld())).toEqual({ outcome: 'gone' });
});

test('a reader’s wish for a longer life is met, a rejected version is replaced', async () => {
  const world = createRefreshWorld();
  await world.given({});
  world.script.refresh = [ok('access-8', 'refresh-8'), ok('access-9', 'refresh-9')];
  expect(await ask(world, { neededUntil: T0 + HOUR + 1 })).toEqual({ outcome: 'commit' });
  expect(await ask(world, { trigger: 'rejected', rejectedVersion: 8 })).toEqual({ outcome: 'commit' });
  expect(await world.grant()).toMatchObject({ tokenVersion: 9, forcedAt: T0 + 200 });
});

test('nothing is started without time for a whole attempt', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  expect(await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 69_999)).toEqual({
    outcome: 'out_of_time',
  });
  expect((await world.grant())?.number).toBe(7);
});

test('two callers in one process share one attempt', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await Promise.all([ask(world), ask(world)])).toEqual([{ outcome: 'commit' }, { outcome: 'commit' }]);
  expect((await world.grant())?.number).toBe(8);
});

test('two workers at once send one request', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const worker = () =>
    refreshGrant(
      { ...world.ports, singleFlight: createSingleFlight() },
      { grant: KEY, trigger: 'expiring' },
      T0 + 80_000,
    );
  const answers = await Promise.all([worker(), worker(), worker()]);
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['commit', 'leased', 'leased']);
  expect(world.sent).toHaveLength(1);
});

test('a lease whose answer was lost is ours all the same', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.store.failNext({ when: 'after' });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
});

test('a lease of which no answer came in time is found on the grant', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const isAcquire = ({ writes }: Transaction) => writes[0]?.op === 'update' && 'attempt' in (writes[0].set ?? {});
  world.store.failNext({ when: 'after', times: 1, matches: isAcquire });
  world.store.failNext({
    when: 'before',
    times: 100,
    matches: (each) => isAcquire(each) && world.clock.now() < T0 + 5_000,
  });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
});

test.for([
  ['is ours', {}, { outcome: 'commit' }],
  ['is not ours on an authorisation that came since', { generation: 'gen-2', number: 9, tokenVersion: 9 }, LEASED],
  ['is not ours on a grant that is closing', { generation: 'gen-2', status: 'closing' }, LEASED],
] as const)('a lease that shows only in what the grant became %s', async ([, meanwhile, answer]) => {
  const world = createRefreshWorld();
  const given = await world.given(EXPIRED);
  let tries = 0;
  const store = {
    ...world.store,
    async commit(transaction: Transaction) {
      tries += 1;
      // A store that has forgotten the request it answered.
      const verdict = await world.store.commit({ ...transaction, token: `${transaction.token}${tries}` });
      if (tries > 1) return verdict;
      await world.put({ ...((await world.grant()) ?? given), ...meanwhile });
      throw new GrantkeeperError('unavailable');
    },
  };
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const ports = { ...world.ports, store };
  expect(await refreshGrant(ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000)).toEqual(answer);
});

test('the sweep puts a due date right where there is nothing to do', async () => {
  const world = createRefreshWorld();
  await world.given({ dueAt: T0 - MINUTE, lastUsedAt: T0 });
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'not_due' });
  expect((await world.grant())?.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
});

test('a duty that comes while the provider answers is due as soon as the token is stored', async () => {
  const world = createRefreshWorld();
  const given = await world.given({}, xeroGrant({ access: EXPIRED.access }));
  world.script.refresh = [
    async () => {
      const now = (await world.grant('xero#user-1')) ?? given;
      await world.put({ ...now, detach: { c1: { tenantId: 't1', since: T0 } } });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world, { grant: 'xero#user-1' })).toEqual({ outcome: 'commit' });
  expect(await world.grant('xero#user-1')).toMatchObject({ tokenVersion: 8, dueAt: T0 + 100 });
});

test('a forced refresh whose answer was lost is repeated, though the token at hand would last', async () => {
  const world = createRefreshWorld();
  await world.given({ lastUsedAt: T0 });
  world.script.refresh = [{ kind: 'UNKNOWN', answer: 'cut', reason: 'connection_reset' }, ok('access-9', 'refresh-9')];
  expect(await ask(world, { trigger: 'rejected', rejectedVersion: 7 })).toEqual({ outcome: 'unknown' });
  await world.clock.advance(125_000);
  expect(await performDue(world.ports, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toMatchObject({ refresh: 'refresh-9' });
});

test('an attempt that died and left nothing to do does not stay due', async () => {
  const world = createRefreshWorld();
  const attempt = { number: 8, id: 'dead', kind: 'detach', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
  await world.given({ number: 8, attempt, dueAt: T0 - 75_000, lastUsedAt: T0 });
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'not_due' });
  expect((await world.grant())?.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
});

test('tokens that are due again at once are refreshed once in a run', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8', { expiresInSeconds: 0 })];
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'commit' });
  expect(world.sent).toHaveLength(1);
});

const OPEN = { circuit: { kind: 'transient', openedAt: T0 - 1, probeAt: T0 + MINUTE }, circuitVersion: 3 } as const;

test('while the circuit is open no refresh takes a lease, and nothing is written', async () => {
  const world = createRefreshWorld();
  const grant = await world.given(EXPIRED);
  await world.givenProvider(OPEN);
  expect(await ask(world)).toEqual({ outcome: 'circuit_open', retryAt: T0 + 75_000 });
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toMatchObject({ outcome: 'circuit_open' });
  expect(await world.grant()).toEqual(grant);
  expect(world.sent).toEqual([]);
});

test('a duty is not held by the circuit, unless it needs a refresh first', async () => {
  const world = createRefreshWorld();
  const detach = { c1: { tenantId: 't1', since: T0 } };
  const grant = await world.given({ detach }, xeroGrant());
  await world.givenProvider(OPEN, 'xero');
  world.script.duty = [{ kind: 'DONE' }];
  expect(await performDue(world.ports, 'xero#user-1', T0 + 80_000)).toEqual({ outcome: 'done' });
  await world.put({ ...grant, access: { ...grant.access, expiresAt: T0 } });
  expect(await performDue(world.ports, 'xero#user-1', T0 + 80_000)).toMatchObject({ outcome: 'circuit_open' });
  expect(world.sent.map(({ what }) => what)).toEqual(['detach']);
});

test('a provider whose state cannot be read is asked', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const readProvider = () => Promise.reject(new Error('throttled'));
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const ports = { ...world.ports, store: { ...world.store, readProvider } };
  expect(await refreshGrant(ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000)).toEqual({ outcome: 'commit' });
});

const ENDING = { hardExpiresAt: T0 + 29 * DAY, warned: { hard: 90 }, lastUsedAt: T0 } as const;

test('an end that comes near is told once, by metric, log and audit', async () => {
  const world = createRefreshWorld();
  await world.given(ENDING);
  const due = () => performDue(world.ports, KEY, world.clock.now() + 80_000);
  expect([await due(), await due()]).toEqual([{ outcome: 'warned' }, { outcome: 'not_due' }]);
  expect(world.counted).toEqual(['GrantExpiring hard_30 1']);
  expect(world.events()).toEqual(['grant.expiring undefined']);
  expect(world.logged).toHaveLength(1);
  expect(await world.grant()).toMatchObject({ warned: { hard: 30 }, number: 7 });
});

test('a warning does not keep a grant from being refreshed, nor a refresh from a warning', async () => {
  const world = createRefreshWorld();
  await world.given({ ...ENDING, ...EXPIRED });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'commit' });
  expect(world.counted).toEqual(['GrantExpiring hard_30 1', 'RefreshOutcome ok 1']);
});

/** A Xero grant that was given up, serves nobody and still owes the end of one company. */
const HOPELESS = {
  status: 'needs_reauth',
  access: { ...xeroGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
  reauth: { reason: 'user_revoked', since: T0, probes: 0 },
  rejections: { count: 4, firstAt: T0 - HOUR, lastAt: T0 },
  notBefore: T0 + HOUR,
  dueAt: T0 + HOUR,
  unservedSince: T0,
  detach: { c1: { tenantId: 't1', since: T0 } },
} as const;

test('what a given up grant owes waits for its probes, is abandoned after a week, and the grant is closed', async () => {
  const world = createRefreshWorld();
  const { orgs: _, ...grant } = await world.given(HOPELESS, xeroGrant());
  await world.put(grant);
  const probes: number[] = [];
  for (let at = T0; (await world.grant('xero#user-1'))?.status !== 'closed' && at < T0 + 30 * DAY; ) {
    await world.clock.advance(at - world.clock.now());
    world.script.refresh = [rejected];
    const { outcome } = await performDue(world.ports, 'xero#user-1', world.clock.now() + 80_000);
    if (outcome === 'rejected') probes.push((at - T0) / HOUR);
    at = (await world.grant('xero#user-1'))?.dueAt ?? at;
  }
  expect(probes).toEqual([1, 6, 24, 48, 72, 96, 120, 144]);
  expect(world.clock.now()).toBe(T0 + 7 * DAY);
  expect(world.sent.map(({ what }) => what)).toEqual(probes.map(() => 'refresh'));
  const ends = world.events().filter((event) => !event.startsWith('attempt.'));
  expect(ends.sort()).toEqual(['duty.abandoned 15', 'grant.closed 16', 'grant.closing undefined']);
});

test('a company of a given up grant is taken off while an access token lives, at once', async () => {
  const world = createRefreshWorld();
  const { notBefore: _, ...rest } = HOPELESS;
  const grant = await world.given({ ...rest, orgs: new Set(['globex']), access: xeroGrant().access }, xeroGrant());
  const { notBefore: _n, ...waiting } = grant;
  await world.put(waiting);
  world.script.duty = [{ kind: 'DONE' }];
  expect(await performDue(world.ports, 'xero#user-1', T0 + 80_000)).toEqual({ outcome: 'done' });
  expect(await world.grant('xero#user-1')).toMatchObject({ status: 'needs_reauth', detach: {}, dueAt: T0 + HOUR });
});
