import { describe, expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import type { TokenOutcome } from '../../../lib/domain/outcome.ts';
import { refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createTellingStore } from '../../../lib/service/telling-store.ts';
import { DAY, HOUR, heldToken, MINUTE, quickbooksConnection, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, rejected } from '../../support/refresh-world.ts';
import { ABOUT, createTellingWorld, EXPIRING, KEY } from './telling-world.ts';

const FAILS: TokenOutcome = { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' };

describe('a refresh token that the provider replaced', () => {
  /** The clock of the world moves on while the store is waited for. */
  const ROTATED = { type: 'Refresh Token Rotated', at: T0 + 100, ...ABOUT, attemptId: 'id-2', tokenVersion: 8 };

  test('is told after the new one is stored, and only that it happened', async () => {
    const world = createTellingWorld();
    await world.given(EXPIRING);
    world.script.refresh = [ok('access-8', 'refresh-8')];
    await world.ask();
    expect(world.emitted).toEqual([
      { type: 'Token Refreshed', at: T0, ...ABOUT, attemptId: 'id-2', tokenVersion: 8 },
      ROTATED,
    ]);
  });

  test('is told when the new one is on the rescue queue', async () => {
    const world = createTellingWorld();
    await world.given(EXPIRING);
    world.script.refresh = [
      () => {
        world.memory.failNext({ when: 'before', times: 10_000 });
        return ok('access-8', 'refresh-8');
      },
    ];
    expect(await world.ask()).toEqual({ outcome: 'rescued' });
    expect(world.emitted).toEqual([{ ...ROTATED, at: expect.any(Number) }]);
  });

  test('is not told when the new one is nowhere', async () => {
    const world = createTellingWorld();
    world.rescueFails();
    await world.given(EXPIRING);
    world.script.refresh = [
      () => {
        world.memory.failNext({ when: 'before', times: 10_000 });
        return ok('access-8', 'refresh-8');
      },
    ];
    expect(await world.ask()).toEqual({ outcome: 'at_risk' });
    expect(world.emitted).toEqual([]);
  });

  test.for([['refresh-7'], [undefined]])('is none when the answer has %s', async ([refresh]) => {
    const world = createTellingWorld();
    await world.given(EXPIRING);
    world.script.refresh = [ok('access-8', refresh)];
    await world.ask();
    expect(world.emitted.map(({ type }) => type)).toEqual(['Token Refreshed']);
  });

  test('is compared with the one that was sent, be it a held one', async () => {
    const world = createTellingWorld();
    await world.given({ ...EXPIRING, held: { h6: heldToken('h6', 6, 'late', T0) } });
    world.script.refresh = [rejected, ok('access-8', 'refresh-7')];
    await world.ask();
    expect(world.emitted.map(({ type }) => type)).toEqual(['Token Refreshed', 'Refresh Token Rotated']);
  });
});

describe('the access token of a grant in use', () => {
  /** As many failed refreshes as there are instants; the types of what was told. */
  async function failAt(instants: readonly number[], changes: Partial<LivingGrant> = {}) {
    const world = createTellingWorld();
    await world.given({ ...EXPIRING, ...changes });
    for (const at of instants) {
      await world.clock.advance(at - world.clock.now());
      world.script.refresh = [FAILS];
      await world.ask({ neededUntil: at + HOUR });
    }
    return world.emitted;
  }

  test('has run out while refreshes fail: told once, with the first that fails after it', async () => {
    const emitted = await failAt([T0, T0 + 5 * MINUTE, T0 + 12 * MINUTE, T0 + 20 * MINUTE]);
    expect(emitted.map(({ type, at }) => [type, at - T0])).toEqual([
      ['Refresh Failed', 0],
      ['Refresh Failed', 5 * MINUTE],
      ['Connection Expired', 5 * MINUTE],
      ['Refresh Failed', 12 * MINUTE],
      ['Refresh Failed', 20 * MINUTE],
    ]);
    expect(emitted[2]).toEqual({
      type: 'Connection Expired',
      at: T0 + 5 * MINUTE,
      ...ABOUT,
      attemptId: emitted[1]?.attemptId,
      reason: 'access_token',
    });
  });

  test('of one that nobody has asked for in a day is not missed', async () => {
    const emitted = await failAt([T0 + 5 * MINUTE], { lastUsedAt: T0 - DAY });
    expect(emitted.map(({ type }) => type)).toEqual(['Refresh Failed']);
  });

  test('is told of again in the next outage', async () => {
    const world = createTellingWorld();
    await world.given(EXPIRING);
    for (const outcome of [FAILS, ok('access-9', undefined, { expiresInSeconds: 600 }), FAILS]) {
      await world.clock.advance(12 * MINUTE);
      world.script.refresh = [outcome];
      await world.ask();
    }
    expect(world.emitted.map(({ type }) => type)).toEqual([
      ...['Refresh Failed', 'Connection Expired'],
      'Token Refreshed',
      ...['Refresh Failed', 'Connection Expired'],
    ]);
  });
});

describe('a grant that is given up', () => {
  const RIPE = {
    ...EXPIRING,
    status: 'suspect',
    rejections: { count: 4, firstAt: T0 - 16 * MINUTE, lastAt: T0 - 5 * MINUTE },
  } as const;

  async function giveUp(changes: Partial<LivingGrant>) {
    const world = createTellingWorld();
    await world.given({ ...RIPE, ...changes });
    await world.givenProvider({ lastSuccessAt: T0 - MINUTE, observedAt: T0, queuesEmptySince: T0 - HOUR });
    world.script.refresh = [rejected];
    world.script.probe = [rejected];
    expect(await world.ask()).toEqual({ outcome: 'needs_reauth' });
    return world.emitted;
  }
  const told = (type: string, reason: string) => ({ type, at: T0, ...ABOUT, attemptId: 'id-3', reason });

  test.for<[string, Partial<LivingGrant>, object[]]>([
    ['by its user', {}, [told('Connection Needs Reauth', 'user_revoked')]],
    [
      'because it was idle for too long',
      { refreshExpiresAt: T0 - DAY },
      [told('Connection Needs Reauth', 'idle_expired'), told('Connection Expired', 'idle')],
    ],
    [
      'because its time is over',
      { hardExpiresAt: T0 - DAY },
      [told('Connection Needs Reauth', 'hard_expired'), told('Connection Expired', 'hard')],
    ],
    [
      'after its access token ran out',
      { access: { ...EXPIRING.access, expiresAt: T0 - MINUTE } },
      [told('Connection Needs Reauth', 'user_revoked'), told('Connection Expired', 'access_token')],
    ],
  ])('%s is told with its reason, and what has ended with it', async ([, changes, expected]) => {
    expect(await giveUp(changes)).toEqual(expected);
  });
});

test('a duty that fails is no failed refresh', async () => {
  const world = createRefreshWorld();
  const ports = { ...world.ports, store: createTellingStore(world.store, (event) => world.emitted.push(event)) };
  await world.given({ detach: { 'conn-1': { tenantId: 't-1', since: T0 } } }, xeroGrant());
  world.script.duty = [{ kind: 'RETRY', reason: 'http_503' }];
  await refreshGrant(ports, { grant: 'xero#user-1', trigger: 'duty' }, T0 + 80_000);
  expect(world.events()).toEqual(['attempt.unknown 8']);
  expect(world.emitted).toEqual([]);
});

test('a company that the provider no longer lists needs its user, until it is listed again', async () => {
  const world = createTellingWorld();
  await world.given({ tenantCheckAt: T0 });
  await world.givenConnection(quickbooksConnection());
  world.script.list = [
    { kind: 'listed', tenants: [] },
    { kind: 'listed', tenants: [{ tenantId: '9341453' }] },
  ];
  await refreshGrant(world.ports, { grant: KEY, trigger: 'tenant' }, T0 + 80_000);
  await world.clock.advance(2 * MINUTE);
  await refreshGrant(world.ports, { grant: KEY, trigger: 'tenant' }, T0 + 200_000);
  const about = { provider: 'quickbooks', organizationIds: ['acme'] };
  expect(world.emitted).toEqual([
    { type: 'Connection Needs Reauth', at: T0, ...about, reason: 'tenant_lost' },
    { type: 'Connection Created', at: T0 + 2 * MINUTE, ...about, reason: 'company_found' },
  ]);
});
