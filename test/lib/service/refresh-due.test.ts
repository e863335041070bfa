import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { duePartition } from '../../../lib/domain/grant.ts';
import { refreshDue } from '../../../lib/service/refresh-due.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

const sweep = (world: RefreshWorld, budgetMs = 170_000) =>
  refreshDue(world.ports, { deadlineAt: world.clock.now() + budgetMs });

async function givenDue(world: RefreshWorld, subject: string, changes: Partial<LivingGrant> = {}) {
  const pk = `quickbooks#${subject}` as const;
  const base = quickbooksGrant({ pk, subject, lastUsedAt: T0 - HOUR });
  const partition = duePartition(base, 'active');
  await world.given(
    {
      duePartition: partition,
      dueAt: T0 - MINUTE,
      access: { ...base.access, obtainedAt: T0 - HOUR, expiresAt: T0 },
      ...changes,
    },
    base,
  );
}

test('whatever is due is refreshed with nobody asking, most overdue first', async () => {
  const world = createRefreshWorld();
  await givenDue(world, '1', { dueAt: T0 - 3 * MINUTE });
  await givenDue(world, '2', { dueAt: T0 - 9 * MINUTE });
  await givenDue(world, '3', { dueAt: T0 + 1 });
  world.script.refresh = [ok('a', 'r'), ok('b', 's')];
  expect(await sweep(world)).toEqual({ due: 2, worked: 2, left: 0, failed: 0 });
  expect((await world.grant('quickbooks#1'))?.tokenVersion).toBe(8);
  expect((await world.grant('quickbooks#2'))?.tokenVersion).toBe(8);
  expect((await world.grant('quickbooks#3'))?.tokenVersion).toBe(7);
  expect(world.counted).toContain('SweepHeartbeat 1');
  expect(world.counted).toContain('RefreshLag 540000');
});

test('a run with nothing to do still shows that it ran', async () => {
  const world = createRefreshWorld();
  expect(await sweep(world)).toEqual({ due: 0, worked: 0, left: 0, failed: 0 });
  expect(world.counted).toEqual(['SweepHeartbeat 1', 'RefreshLag 0']);
});

test('one grant that cannot be worked on does not hold up the others', async () => {
  const world = createRefreshWorld();
  await givenDue(world, '1');
  await givenDue(world, '2');
  world.script.refresh = [() => Promise.reject(new Error('a fault of ours')), ok('b', 's')];
  expect(await sweep(world)).toEqual({ due: 2, worked: 1, left: 0, failed: 1 });
  expect(world.logged.join()).toContain('a due grant could not be worked on');
});

test('nothing is started that could outlive the run', async () => {
  const world = createRefreshWorld();
  await givenDue(world, '1');
  expect(await sweep(world, 69_999)).toEqual({ due: 1, worked: 0, left: 1, failed: 0 });
  expect((await world.grant('quickbooks#1'))?.number).toBe(7);
});

test('an attempt that died is found when its lease ends', async () => {
  const world = createRefreshWorld();
  const attempt = { number: 8, id: 'dead', kind: 'refresh', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
  await givenDue(world, '1', { number: 8, attempt, dueAt: T0 - 75_000 });
  world.script.refresh = [ok('a', 'r')];
  await sweep(world);
  expect(await world.grant('quickbooks#1')).toMatchObject({ tokenVersion: 9, doubts: {} });
  expect(world.events().sort()).toEqual(['attempt.doubt 8', 'attempt.ok 9']);
});

test('suspects are found in their own partitions', async () => {
  const world = createRefreshWorld();
  const base = quickbooksGrant({ pk: 'quickbooks#1' });
  await givenDue(world, '1', { status: 'suspect', duePartition: duePartition(base, 'suspect') });
  world.script.refresh = [ok('a', 'r')];
  await sweep(world);
  expect(await world.grant('quickbooks#1')).toMatchObject({
    status: 'active',
    duePartition: duePartition(base, 'active'),
  });
});

test('at most sixteen grants are worked on at once', async () => {
  const world = createRefreshWorld();
  for (let n = 0; n < 40; n += 1) await givenDue(world, String(n));
  let running = 0;
  let most = 0;
  world.script.refresh = Array.from({ length: 40 }, (_, n) => async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return ok(`a${n}`, `r${n}`);
  });
  expect((await sweep(world)).worked).toBe(40);
  expect(most).toBe(16);
});

test('a partition that cannot be read does not hold up the others, and none at all is an error', async () => {
  const world = createRefreshWorld();
  await givenDue(world, '1');
  world.script.refresh = [ok('a', 'r')];
  const { listDue } = world.ports.store;
  const broken = (isBroken: (partition: string) => boolean) => ({
    ...world.ports,
    store: {
      ...world.ports.store,
      listDue: async (...asked: Parameters<typeof listDue>) => {
        if (isBroken(asked[0])) throw new GrantkeeperError('unavailable');
        return await listDue(...asked);
      },
    },
  });
  const deadlineAt = T0 + 170_000;
  expect(
    (
      await refreshDue(
        broken((name) => name.startsWith('xero')),
        { deadlineAt },
      )
    ).worked,
  ).toBe(1);
  expect(world.logged.join()).toContain('"missed":20');
  await expect(
    refreshDue(
      broken(() => true),
      { deadlineAt },
    ),
  ).rejects.toMatchObject({ code: 'unavailable' });
});
