import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, heldToken, MINUTE, quickbooksGrant, refreshToken, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld, rejected } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

function ask(world: RefreshWorld, changes: Partial<RefreshRequest> = {}) {
  return refreshGrant(world.ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
}

test('a rejection of every token makes the grant suspect and loses none of them', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h5: heldToken('h5', 5, 'late', T0), h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [rejected, rejected, rejected];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-h6', 'refresh-h5']);
  expect(await world.grant()).toMatchObject({ status: 'suspect', rejections: { count: 1 }, dueAt: T0 + 60_000 });
  expect(await world.tokens()).toEqual({
    access: 'access-7',
    refresh: 'refresh-7',
    held: ['late refresh-h5', 'late refresh-h6'],
  });
});

test('a suspect becomes active again by a success', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [rejected, ok('access-9', 'refresh-9')];
  await ask(world);
  await world.clock.advance(60_000);
  expect(await performDue(world.ports, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
  expect(await world.grant()).toMatchObject({ status: 'active', tokenVersion: 9 });
  expect((await world.grant())?.rejections).toBeUndefined();
});

test('a rejection is no verdict when a token arrived while it was asked for', async () => {
  const world = createRefreshWorld();
  const given = await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      const now = await world.grant();
      await world.put({ ...(now ?? given), held: { late: { ...refreshToken('late', 6), why: 'late', since: T0 } } });
      return rejected;
    },
  ];
  await ask(world);
  expect(await world.grant()).toMatchObject({
    status: 'active',
    failure: { outcome: 'NOT_SENT', reason: 'held_arrived' },
  });
});

const XERO = 'xero#user-1';
/** Looked at just now, with another grant's success of a minute ago. */
const healthy = (now: number): Partial<ProviderState> => ({
  lastSuccessAt: now - MINUTE,
  observedAt: now,
  queuesEmptySince: T0 - HOUR,
  suspects: 1,
  frozen: false,
});
/** Rejected four times in 16 minutes; the next rejection may decide. */
const RIPE: Partial<LivingGrant> = {
  ...EXPIRED,
  status: 'suspect',
  rejections: { count: 4, firstAt: T0 - 16 * MINUTE, lastAt: T0 - 5 * MINUTE },
};

async function givenRipe(changes: Partial<LivingGrant> = {}, known: Partial<ProviderState> = healthy(T0)) {
  const world = createRefreshWorld();
  await world.given({ ...RIPE, ...changes });
  await world.givenProvider(known);
  world.script.refresh = [rejected];
  world.script.probe = [rejected];
  return world;
}

test('on evidence a suspect is given up, with every token kept, and everybody who has to know is told', async () => {
  const world = await givenRipe();
  expect(await ask(world)).toEqual({ outcome: 'needs_reauth' });
  expect(world.sent).toEqual([
    { what: 'refresh', token: 'refresh-7', secret: 'secret-1' },
    { what: 'probe', token: 'bogus', secret: 'secret-1' },
  ]);
  expect(await world.grant()).toMatchObject({
    status: 'needs_reauth',
    reauth: { reason: 'user_revoked', since: T0, probes: 0 },
    dueAt: T0 + HOUR,
  });
  expect(await world.tokens()).toEqual({ access: 'access-7', refresh: 'refresh-7', held: [] });
  expect(world.events()).toEqual(['grant.needs_reauth 8']);
  expect(world.counted).toEqual(['NeedsReauth user_revoked 1', 'RefreshOutcome needs_reauth 1']);
  expect(world.logged[0]).toContain('Let the user reconnect.');
});

test.for([
  ['the provider refuses our client', { kind: 'CONFIG', reason: 'invalid_client' }],
  ['the provider does not answer a probe', { kind: 'UNKNOWN', answer: 'cut', reason: 'timeout' }],
  ['the provider is too busy for a probe', { kind: 'THROTTLED', reason: 'http_429', retryAfterSeconds: 60 }],
  ['the provider cannot be reached for a probe', { kind: 'NOT_SENT', reason: 'connect_refused' }],
] as const)('where %s it stays a suspicion', async ([, probed]) => {
  const world = await givenRipe();
  world.script.probe = [probed];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(await world.grant()).toMatchObject({ status: 'suspect', rejections: { count: 5 }, dueAt: T0 + 300_000 });
  expect(world.events()).toEqual(['attempt.rejected 8']);
});

test.for([
  ['while so many are suspect', { ...healthy(T0), frozen: true }],
  ['while a token may be on the queues', { ...healthy(T0), queuesEmptySince: T0 - 30_000 }],
  ['without a success of others', { ...healthy(T0), lastSuccessAt: T0 - HOUR }],
  ['where nothing is known of the provider', {}],
] as const)('%s nobody is given up, and no probe is sent', async ([, known]) => {
  const world = await givenRipe({}, known);
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(world.sent.map(({ what }) => what)).toEqual(['refresh']);
});

test('a success of others that was not known before the token was sent is no evidence against it', async () => {
  const world = await givenRipe({}, { ...healthy(T0), lastSuccessAt: T0 - HOUR });
  world.script.refresh = [
    async () => {
      await world.givenProvider({ ...healthy(T0), lastSuccessAt: T0 + 1 });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect((await world.grant())?.status).toBe('suspect');
});

test.for([
  ['the verdicts were frozen', { frozen: true }],
  ['a token was put on the queue', { queuesEmptySince: T0 }],
] as const)('when during the probe %s it stays a suspicion', async ([, changes]) => {
  const world = await givenRipe();
  world.script.probe = [
    async () => {
      await world.givenProvider({ ...healthy(T0), ...changes });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(await world.grant()).toMatchObject({ status: 'suspect', rejections: { count: 5 } });
  expect(world.events()).toEqual(['attempt.rejected 8']);
});

test('a token that arrives during the probe is tried before anything is decided', async () => {
  const world = await givenRipe();
  world.script.probe = [
    async () => {
      const grant = await world.grant();
      const late = { ...refreshToken('late', 6), why: 'late', since: T0 } as const;
      if (grant !== undefined) await world.put({ ...grant, held: { late } });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect(await world.grant()).toMatchObject({ status: 'suspect', failure: { reason: 'held_arrived' } });
});

test('without time for a probe it stays a suspicion', async () => {
  const world = await givenRipe();
  world.script.refresh = [
    async () => {
      await world.clock.advance(50_001);
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(world.sent.map(({ what }) => what)).toEqual(['refresh']);
});

test('where the state of the provider cannot be read it stays a suspicion', async () => {
  const world = await givenRipe();
  const readProvider = () => Promise.reject(new Error('throttled'));
  const ports = { ...world.ports, store: { ...world.store, readProvider } };
  expect(await refreshGrant(ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000)).toEqual({ outcome: 'rejected' });
});

test('a verdict whose answer was lost is ours all the same', async () => {
  const world = await givenRipe();
  world.script.probe = [
    () => {
      world.store.failNext({ when: 'after' });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'needs_reauth' });
  expect(world.events()).toEqual(['grant.needs_reauth 8']);
});

test('a rejection that cannot be written is left to the end of the lease', async () => {
  const world = await givenRipe();
  world.script.probe = [
    () => {
      world.store.failNext({ when: 'before', times: 100_000 });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(await world.grant()).toMatchObject({ status: 'suspect', rejections: { count: 4 }, attempt: { number: 8 } });
});

/** Runs the sweep each minute, beginning `phaseMs` after the first rejection, as long as `until` says. */
async function sweepUntil(world: RefreshWorld, untilAt: number, during: (now: number) => Promise<void>) {
  while (world.clock.now() < untilAt) {
    await during(world.clock.now());
    const { dueAt = 0, status } = (await world.grant()) ?? {};
    if (status === 'needs_reauth') return;
    if (dueAt <= world.clock.now()) await performDue(world.ports, KEY, world.clock.now() + 80_000);
    await world.clock.advance(MINUTE);
  }
}

test.for([0, 10, 20, 30, 40, 50, 59])(
  'a user who revoked is known to have within 20 minutes while others succeed (%i s)',
  async (seconds) => {
    const world = createRefreshWorld();
    await world.given({ ...EXPIRED, dueAt: T0 });
    world.script.refresh = [rejected];
    await ask(world);
    await world.clock.advance(seconds * 1000);
    world.script.probe = [rejected];
    await sweepUntil(world, T0 + HOUR, async (now) => {
      world.script.refresh = [rejected];
      await world.givenProvider(healthy(now));
    });
    expect(await world.grant()).toMatchObject({ status: 'needs_reauth', reauth: { reason: 'user_revoked' } });
    expect(world.clock.now()).toBeLessThanOrEqual(T0 + 20 * MINUTE);
    expect(world.sent.filter(({ what }) => what === 'probe')).toHaveLength(1);
  },
);

test.for([40, 110])(
  'a provider that rejects everybody for %i minutes makes nobody reconnect, and the first answer saves the grant',
  async (minutes) => {
    const world = createRefreshWorld();
    await world.given({ ...EXPIRED, dueAt: T0 });
    await sweepUntil(world, T0 + minutes * MINUTE, async (now) => {
      world.script.refresh = [rejected];
      await world.givenProvider({ ...healthy(now), lastSuccessAt: T0 - 1 });
    });
    expect((await world.grant())?.status).toBe('suspect');
    expect(world.sent.filter(({ what }) => what === 'probe')).toEqual([]);
    world.script.refresh = [ok('access-9', 'refresh-9')];
    await sweepUntil(world, T0 + (minutes + 7) * MINUTE, async () => undefined);
    expect(await world.grant()).toMatchObject({ status: 'active' });
  },
);

test('with a lost answer in its grace no verdict is made, and every rejection is followed by another try', async () => {
  const world = createRefreshWorld();
  await world.given({ ...RIPE, unansweredSince: T0 - 20 * MINUTE }, xeroGrant());
  await world.givenProvider(healthy(T0), 'xero');
  world.script.refresh = [rejected];
  expect(await ask(world, { grant: XERO })).toEqual({ outcome: 'rejected' });
  expect(await world.grant(XERO)).toMatchObject({ status: 'suspect', dueAt: T0 + 300_000 });
});

test('any success makes a grant active again that was given up', async () => {
  const world = createRefreshWorld();
  const reauth = { reason: 'unknown', since: T0 - HOUR, probes: 0 } as const;
  await world.given({ ...RIPE, status: 'needs_reauth', reauth, notBefore: T0, dueAt: T0 });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'commit' });
  const grant = await world.grant();
  expect([grant?.status, grant?.reauth, grant?.rejections]).toEqual(['active', undefined, undefined]);
});

test('a rejection is recorded on the grant as a disconnect has left it beside the attempt', async () => {
  const world = createRefreshWorld();
  await world.given({ access: { ...quickbooksGrant().access, expiresAt: T0 } }, xeroGrant());
  world.script.refresh = [
    async () => {
      const { orgs: _, ...grant } = (await world.grant('xero#user-1')) ?? xeroGrant();
      await world.put({ ...grant, unservedSince: T0 });
      return rejected;
    },
  ];
  const request = { grant: 'xero#user-1', trigger: 'expiring' } as const;
  expect(await refreshGrant(world.ports, request, T0 + 80_000)).toEqual({ outcome: 'rejected' });
  // Its ten minutes without anybody are over long before its next try would tell.
  const grant = await world.grant('xero#user-1');
  expect([grant?.status, grant?.unservedSince, grant?.rejections?.count]).toEqual(['suspect', T0, 1]);
  expect(grant?.dueAt).toBeLessThanOrEqual(T0 + 10 * MINUTE);
});
