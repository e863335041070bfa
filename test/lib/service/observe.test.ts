import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { observe } from '../../../lib/service/observe.ts';
import { MINUTE, T0, xeroGrant } from '../../support/grants.ts';
import { createSweepWorld, type SweepWorld } from './sweep-world.ts';

async function givenSuspects(world: SweepWorld, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1)
    await world.givenDue(`s${n}`, { status: 'suspect', dueAt: T0 + MINUTE }, xeroGrant);
}

const commitsOf = (world: SweepWorld) => {
  const tokens: string[] = [];
  world.store.onCommit({ before: ({ token }) => void tokens.push(token) });
  return tokens;
};

test('a provider without suspects costs no write, and its queues are not counted', async () => {
  const world = createSweepWorld();
  await world.givenDue('1');
  const commits = commitsOf(world);
  const countRescues = () => Promise.reject(new Error('nobody should ask'));
  expect(await observe({ ...world.ports, countRescues }, 'quickbooks')).toEqual({ suspects: 0, frozen: false });
  expect(commits).toEqual([]);
});

test('suspects of all partitions are counted, due or not, each provider’s own', async () => {
  const world = createSweepWorld();
  await givenSuspects(world, 9);
  await world.givenDue('1', { status: 'suspect' });
  expect(await observe(world.ports, 'xero')).toEqual({ suspects: 9, frozen: true });
  expect(await world.store.readProvider('xero')).toEqual({
    v: 1,
    pk: 'PROVIDER#xero',
    provider: 'xero',
    observedAt: T0,
    suspects: 9,
    frozen: true,
    queuesEmptySince: T0,
  });
  expect(world.logged).toEqual([
    'error so many grants are suspect that none is given up {"provider":"xero","count":9}',
  ]);
  expect(await world.store.readProvider('quickbooks')).toBeUndefined();
});

test('the counts of the daily scan are handed on, with suspects and without', async () => {
  const world = createSweepWorld();
  const grantsByStatus = { active: 9, suspect: 1, needs_reauth: 0, closing: 0, closed: 2 };
  await world.givenState({ grants: 10, grantsByStatus }, 'xero');
  expect(await observe(world.ports, 'xero')).toEqual({ suspects: 0, frozen: false, grantsByStatus });
  await givenSuspects(world, 1);
  expect(await observe(world.ports, 'xero')).toEqual({ suspects: 1, frozen: false, grantsByStatus });
  expect((await world.store.readProvider('xero'))?.grantsByStatus).toEqual(grantsByStatus);
});

test('the end of a freeze is told, and then there is nothing to write any more', async () => {
  const world = createSweepWorld();
  await world.givenState({ observedAt: T0 - MINUTE, suspects: 9, frozen: true, queuesEmptySince: T0 - MINUTE }, 'xero');
  expect(await observe(world.ports, 'xero')).toEqual({ suspects: 0, frozen: false });
  expect(await world.store.readProvider('xero')).toMatchObject({ observedAt: T0, suspects: 0, frozen: false });
  expect(world.logged).toEqual([
    'info no longer so many grants are suspect: verdicts count again {"provider":"xero","count":0}',
  ]);
  const commits = commitsOf(world);
  await observe(world.ports, 'xero');
  expect(commits).toEqual([]);
});

test('queues that cannot be counted are not empty', async () => {
  const world = createSweepWorld();
  await givenSuspects(world, 1);
  await observe(world.ports, 'xero');
  world.sweepScript.rescues = undefined;
  await world.clock.advance(MINUTE);
  await observe(world.ports, 'xero');
  const state = await world.store.readProvider('xero');
  expect(state).toEqual({
    v: 1,
    pk: 'PROVIDER#xero',
    provider: 'xero',
    observedAt: T0 + MINUTE,
    suspects: 1,
    frozen: false,
  });
  expect(world.logged).toEqual([
    'warn tokens waiting to be rescued could not be counted {"provider":"xero","error":"GrantkeeperError"}',
  ]);
});

test('of two sweeps that look at once the later to write leaves what the other has seen', async () => {
  const world = createSweepWorld();
  await givenSuspects(world, 9);
  await observe(world.ports, 'xero');
  const store = { ...world.ports.store, readProvider: async () => undefined };
  const clock = { ...world.clock, now: () => T0 + 5 };
  expect(await observe({ ...world.ports, store, clock }, 'xero')).toEqual({ suspects: 9, frozen: true });
  expect((await world.store.readProvider('xero'))?.observedAt).toBe(T0);
  expect(world.logged).toHaveLength(1);
});

test('suspects that cannot be counted are no suspects: nothing is written and it throws', async () => {
  const world = createSweepWorld();
  await givenSuspects(world, 1);
  const countPartition = () => Promise.reject(new GrantkeeperError('unavailable'));
  const ports = { ...world.ports, store: { ...world.ports.store, countPartition } };
  await expect(observe(ports, 'xero')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await world.store.readProvider('xero')).toBeUndefined();
});
