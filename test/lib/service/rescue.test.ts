import { describe, expect, test } from 'vitest';
import { auditRow } from '../../../lib/domain/audit.ts';
import type { Authorization } from '../../../lib/domain/bank-decision.ts';
import type { Issued } from '../../../lib/domain/commit-decision.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { GrantFields } from '../../../lib/domain/grant.ts';
import { appendAudit } from '../../../lib/domain/write.ts';
import { type RescuePorts, rescue } from '../../../lib/service/rescue.ts';
import { accessToken, DAY, HOUR, heldToken, MINUTE, quickbooksGrant, refreshToken, T0 } from '../../support/grants.ts';
import { authorizedTokens, createRescueWorld, issuedTokens, type RescueWorld } from '../../support/rescues.ts';

const NOW = T0 + HOUR;
const LEASE = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const LEASED = quickbooksGrant({ number: 8, attempt: LEASE });

/** As the function has them: nothing that could decrypt or put. */
const portsOf = ({ ports: { rescueQueue: _, ...ports } }: RescueWorld): RescuePorts => ports;
const refreshed = (world: RescueWorld, changes: Partial<Issued> = {}) =>
  rescue(portsOf(world), { v: 1, kind: 'refresh', issued: issuedTokens(changes) }, world.clock.now() + 40_000);
const banked = (world: RescueWorld, changes: Partial<Authorization> = {}) =>
  rescue(portsOf(world), { v: 1, kind: 'bank', authorization: authorizedTokens(changes) }, world.clock.now() + 40_000);
const grantOf = async (world: RescueWorld) => (await world.grant()) as GrantFields;
/** Changes made by others meanwhile. */
const meanwhile = async (world: RescueWorld, changes: Partial<GrantFields>) =>
  world.seed({ ...(await grantOf(world)), ...changes });

/** The grant after attempt 9 has spent what attempt 8 brought. */
const REFRESHED = { number: 9, tokenVersion: 9, current: refreshToken('attempt-9', 9), held: {} };

async function givenRow(world: RescueWorld, event: 'attempt.ok' | 'grant.restored', at: number): Promise<void> {
  const key = { pk: 'GRANT#quickbooks#9341453', id: event === 'attempt.ok' ? 'attempt-8' : 'restore-1' } as const;
  const row = auditRow({ ...key, event, provider: 'quickbooks', at, startedAt: event === 'attempt.ok' ? T0 : at });
  await world.store.commit({ token: `row-${event}`, writes: [appendAudit(row)] });
}

describe('tokens of a refresh', () => {
  test('become current, as their holder would have stored them', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    expect(await refreshed(world)).toBe('commit');
    expect(await grantOf(world)).toMatchObject({
      status: 'active',
      tokenVersion: 8,
      current: refreshToken('attempt-8', 8),
      access: accessToken('attempt-8', T0),
      attempt: { ...LEASE, outcome: 'OK', until: NOW },
      held: {},
    });
    expect(world.events()).toEqual(['attempt.ok 8']);
    expect(world.counted).toEqual(['RescueApplied commit 1']);
  });

  test('applied twice are written once', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    await refreshed(world);
    const before = world.store.dump();
    await world.clock.advance(14 * DAY);
    expect(await refreshed(world)).toBe('stored');
    expect(world.store.dump()).toEqual(before);
    expect(world.counted).toEqual(['RescueApplied commit 1', 'RescueApplied stored 1']);
  });

  test('that were stored and spent since do not come back to be tried', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    await refreshed(world);
    await meanwhile(world, { ...REFRESHED, status: 'suspect', rejections: { count: 1, firstAt: NOW, lastAt: NOW } });
    const before = world.store.dump();
    expect(await refreshed(world)).toBe('stored');
    expect(world.store.dump()).toEqual(before);
  });

  test('that come after a newer refresh are held, until a success has cleared them for good', async () => {
    const world = createRescueWorld();
    await world.seed({ ...LEASED, ...REFRESHED });
    expect(await refreshed(world)).toBe('superseded');
    expect((await grantOf(world)).held).toEqual({ 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) });
    expect(await refreshed(world)).toBe('stored');
    await meanwhile(world, { number: 10, tokenVersion: 10, current: refreshToken('attempt-10', 10), held: {} });
    expect(await refreshed(world)).toBe('stored');
    expect((await grantOf(world)).held).toEqual({});
    expect(world.events()).toEqual(['attempt.superseded 8']);
  });

  test('are held once more when the audit table does not tell whether they were stored', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    await refreshed(world);
    await meanwhile(world, REFRESHED);
    const listAudit = () => Promise.reject(new GrantkeeperError('unavailable'));
    Object.assign(world.ports.store, { listAudit });
    expect(await refreshed(world)).toBe('superseded');
    expect(Object.keys((await grantOf(world)).held)).toEqual(['attempt-8']);
  });

  test('come back after a restore, because the old table had them and the new one has not', async () => {
    const world = createRescueWorld();
    const restored = quickbooksGrant({ number: 1_000_008, tokenVersion: 1_000_008, status: 'suspect' });
    await world.seed(restored);
    await givenRow(world, 'attempt.ok', T0 + 400);
    await givenRow(world, 'grant.restored', T0 + 30 * MINUTE);
    expect(await refreshed(world)).toBe('superseded');
    expect(await grantOf(world)).toMatchObject({
      status: 'suspect',
      tokenVersion: 1_000_008,
      held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) },
    });
  });

  test('of an authorisation that is over are held under it by a living grant, and not twice', async () => {
    const world = createRescueWorld();
    await world.seed({ ...LEASED, generation: 'gen-2', current: refreshToken('flow-2', 8, 'gen-2') });
    expect(await refreshed(world)).toBe('other_generation');
    expect((await grantOf(world)).held).toEqual({ 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) });
    await meanwhile(world, { held: {} });
    expect(await refreshed(world)).toBe('stored');
    expect((await grantOf(world)).held).toEqual({});
  });

  test('of an authorisation that a restore has undone are held though they were stored', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    await givenRow(world, 'attempt.ok', T0 + 400);
    expect(await refreshed(world, { generation: 'gen-2', refresh: refreshToken('attempt-8', 8, 'gen-2') })).toBe(
      'other_generation',
    );
    expect(Object.keys((await grantOf(world)).held)).toEqual(['attempt-8']);
  });

  test.for(['closing', 'closed'] as const)(
    'on a %s grant wait to be revoked, however often they come',
    async (status) => {
      const world = createRescueWorld();
      const { current: _c, access: _a, orgs: _o, dueAt: _d, duePartition: _p, ...rest } = LEASED;
      await world.seed({ ...rest, status, generation: 'gen-2' });
      expect(await refreshed(world)).toBe('other_generation');
      const held = { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) };
      expect(await grantOf(world)).toMatchObject({ status: 'closing', dueAt: NOW, held });
      expect(await refreshed(world)).toBe('stored');
      // Revoked and closed; the message comes once more.
      await meanwhile(world, { status: 'closed', held: {} });
      expect(await refreshed(world)).toBe('other_generation');
      expect(await grantOf(world)).toMatchObject({ status: 'closing', dueAt: NOW, held });
    },
  );

  test('for a grant that does not exist stay on the queue', async () => {
    const world = createRescueWorld();
    await expect(refreshed(world)).rejects.toMatchObject({ code: 'unavailable' });
    expect(world.counted).toEqual([]);
    expect(world.logged).toEqual([
      {
        level: 'error',
        message: 'there is no grant for tokens of the rescue queue',
        grant: 'quickbooks#9341453',
        attemptId: 'attempt-8',
        number: 8,
      },
    ]);
  });

  test('stay on the queue while the store fails', async () => {
    const world = createRescueWorld();
    await world.seed(LEASED);
    world.store.failNext({ when: 'before', times: 10_000 });
    await expect(refreshed(world)).rejects.toEqual(new GrantkeeperError('unavailable'));
    expect(world.clock.now()).toBeGreaterThan(NOW + 38_000);
    expect(world.clock.now()).toBeLessThan(NOW + 40_000);
    expect(world.counted).not.toContain('RescueApplied commit 1');
    expect(world.logged).toEqual([]);
  });
});

/** Attempts 8, 9 and 10 all sent token 7 within a grace; none of their holders lived to store what came back. */
const ORDERS = [
  [8, 9, 10],
  [8, 10, 9],
  [9, 8, 10],
  [9, 10, 8],
  [10, 8, 9],
  [10, 9, 8],
] as const;

test.for(ORDERS)('in the order %i %i %i, each twice, the newest is current and the others are held', async (order) => {
  const world = createRescueWorld();
  await world.seed(quickbooksGrant({ number: 10, doubts: { 8: T0, 9: T0, 10: T0 } }));
  for (const number of [...order, ...order]) {
    const attemptId = `attempt-${number}`;
    const tokens = { access: accessToken(attemptId, T0 + number), refresh: refreshToken(attemptId, number) };
    await refreshed(world, { number, attemptId, seenHeld: [], ...tokens });
  }
  const { current, tokenVersion, held, status, doubts } = await grantOf(world);
  expect({ current, tokenVersion, status, doubts }).toEqual({
    current: refreshToken('attempt-10', 10),
    tokenVersion: 10,
    status: 'active',
    doubts: {},
  });
  expect(Object.keys(held).toSorted()).toEqual(['attempt-8', 'attempt-9']);
  expect(world.events().toSorted()).toHaveLength(3);
});

describe('tokens of an authorisation', () => {
  const SEALED = authorizedTokens().refresh;
  const current = { ...SEALED, generation: 'gen-2', version: 8 };

  test('become current on an older grant, what was there is held', async () => {
    const world = createRescueWorld();
    await world.seed(quickbooksGrant());
    expect(await banked(world)).toBe('banked');
    expect(await grantOf(world)).toMatchObject({
      status: 'active',
      generation: 'gen-2',
      number: 8,
      tokenVersion: 8,
      current,
      held: { 'attempt-7': heldToken('attempt-7', 7, 'displaced', NOW) },
    });
    expect(world.counted).toEqual(['RescueApplied banked 1']);
    expect(await banked(world)).toBe('stored');
  });

  test('begin a grant that serves nobody and is closed unless somebody links it', async () => {
    const world = createRescueWorld();
    expect(await banked(world)).toBe('banked');
    const grant = await grantOf(world);
    expect(grant).toMatchObject({
      number: 1,
      tokenVersion: 1,
      unservedSince: NOW,
      current: { ...current, version: 1 },
    });
    expect(grant).not.toHaveProperty('orgs');
  });

  test('that were refreshed since are stored', async () => {
    const world = createRescueWorld();
    await world.seed({ ...LEASED, generation: 'gen-2', ...REFRESHED });
    const before = world.store.dump();
    expect(await banked(world)).toBe('stored');
    expect(world.store.dump()).toEqual(before);
  });

  test('that come after a newer authorisation are held, once', async () => {
    const world = createRescueWorld();
    await world.seed({ ...LEASED, generation: 'gen-3' });
    expect(await banked(world)).toBe('other_generation');
    const held = { 'flow-1': { ...SEALED, generation: 'gen-2', version: 8, why: 'late', since: NOW } };
    expect(await grantOf(world)).toEqual({ ...LEASED, generation: 'gen-3', held });
    expect(await banked(world)).toBe('stored');
    await meanwhile(world, { held: {} });
    expect(await banked(world)).toBe('stored');
    expect((await grantOf(world)).held).toEqual({});
    expect(world.events()).toEqual(['grant.banked 8']);
  });

  test('that come after a disconnect wait to be revoked', async () => {
    const world = createRescueWorld();
    const { access: _a, orgs: _o, ...rest } = quickbooksGrant();
    await world.seed({ ...rest, status: 'closing', generation: 'gen-3', dueAt: NOW + MINUTE });
    expect(await banked(world)).toBe('other_generation');
    expect(await grantOf(world)).toMatchObject({ status: 'closing', dueAt: NOW, number: 7, tokenVersion: 7 });
    expect(Object.keys((await grantOf(world)).held)).toEqual(['flow-1']);
  });

  test('are not stored while the store fails', async () => {
    const world = createRescueWorld();
    world.store.failNext({ when: 'before', times: 10_000 });
    await expect(banked(world)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await world.grant()).toBeUndefined();
  });
});

const FUTURE = '7ZZZZZZZZZZZZZZZZZZZZZZZZZ';

test.for([
  ['an authorisation that claims to be later than every one to come', { generation: FUTURE }],
  ['an access token from the future', { access: accessToken('flow-1', NOW + HOUR) }],
  ['an access token that never ends', { access: accessToken('flow-1', T0, 25 * HOUR) }],
] as const)('%s is not stored', async ([, changes]) => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  await expect(banked(world, changes)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await grantOf(world)).toEqual(LEASED);
  expect(world.events()).toEqual([]);
});
