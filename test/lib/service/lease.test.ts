import { expect, test } from 'vitest';
import type { Attempt, Grant } from '../../../lib/domain/grant.ts';
import { takeLease } from '../../../lib/service/lease.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = { access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 } };
const OTHERS: Attempt = { number: 8, id: 'other', kind: 'refresh', startedAt: T0, until: T0 + 125_000 };
const CONTENDED = ['LeaseContention 1'];

const take = async (world: RefreshWorld) => {
  const grant = await world.grant();
  if (grant === undefined) throw new Error('no grant');
  const asked = { kind: 'refresh', attemptId: 'mine', deadlineAt: T0 + 80_000 } as const;
  return { grant, lease: () => takeLease(world.ports, grant as Grant, asked) };
};

test('a lease that another attempt has is counted', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, number: 8, attempt: OTHERS });
  const { lease } = await take(world);
  expect(await lease()).toMatchObject({ kind: 'refused', why: 'leased' });
  expect(world.counted).toEqual(CONTENDED);
});

test('a lease that another attempt was quicker to take is counted', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const { grant, lease } = await take(world);
  await world.put({ ...grant, number: 8, attempt: OTHERS });
  expect(await lease()).toEqual({ kind: 'refused', why: 'leased', until: T0 + 125_000 });
  expect(world.counted).toEqual(CONTENDED);
});

test.for([
  ['a caller', (world: RefreshWorld) => refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000)],
  ['the sweep', (world: RefreshWorld) => performDue(world.ports, KEY, T0 + 80_000)],
] as const)('%s that finds the grant taken before it asks for the lease is counted', async ([, ask]) => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, number: 8, attempt: OTHERS, dueAt: T0 });
  expect(await ask(world)).toEqual({ outcome: 'leased', retryAt: T0 + 125_000 });
  expect(world.counted).toEqual(CONTENDED);
});

test.for([
  ['taken', {}, 'taken'],
  ['too early for', { notBefore: T0 + MINUTE }, 'backing_off'],
] as const)('a lease that is %s is no contention', async ([, changes, expected]) => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, ...changes });
  const answer = await (await take(world)).lease();
  expect(answer.kind === 'refused' ? answer.why : answer.kind).toBe(expected);
  expect(world.counted).toEqual([]);
});

test('a lease whose taking was heard of late is ours, and no contention', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, lastUsedAt: T0 });
  world.store.failNext({ when: 'after' });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000)).toEqual({
    outcome: 'commit',
  });
  expect(world.counted.filter((line) => line.startsWith('LeaseContention'))).toEqual([]);
});
