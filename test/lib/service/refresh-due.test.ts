import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { type Attempt, duePartition } from '../../../lib/domain/grant.ts';
import { refreshDue } from '../../../lib/service/refresh-due.ts';
import { DAY, HOUR, MINUTE, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { ok, rejected } from '../../support/refresh-world.ts';
import { createSweepWorld, type SweepWorld } from './sweep-world.ts';

const NOTHING = { due: 0, worked: 0, left: 0, skipped: 0, failed: 0 };

describe('a sweep', () => {
  test('refreshes whatever is due with nobody asking, most overdue first', async () => {
    const world = createSweepWorld();
    await world.givenDue('1', { dueAt: T0 - 3 * MINUTE });
    await world.givenDue('2', { dueAt: T0 - 9 * MINUTE });
    await world.givenDue('3', { dueAt: T0 + 1 });
    world.script.refresh = [ok('a', 'r'), ok('b', 's')];
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 2, worked: 2 });
    expect((await world.grant('quickbooks#1'))?.tokenVersion).toBe(8);
    expect((await world.grant('quickbooks#2'))?.tokenVersion).toBe(8);
    expect((await world.grant('quickbooks#3'))?.tokenVersion).toBe(7);
    expect(world.counted).toContain('SweepHeartbeat 1');
    expect(world.counted).toContain('RefreshLag 540000');
  });

  test('with nothing to do still shows that it ran, and how the providers stand', async () => {
    const world = createSweepWorld();
    expect(await world.sweep()).toEqual(NOTHING);
    expect(world.counted.toSorted()).toEqual(['RefreshLag 0', 'SweepHeartbeat 1']);
    const gauges = world.published
      .flat()
      .map(({ name, value, provider }) => [name, provider ?? 'all', value].join(' '));
    const each = ['OverdueGrants', 'Suspects', 'VerdictsFrozen', 'CircuitOpen', 'ConfigRefused'];
    const ofBoth = each.flatMap((name) => [`${name} quickbooks 0`, `${name} xero 0`]);
    expect(gauges.toSorted()).toEqual(['KeysUnusable all 0', ...ofBoth].toSorted());
    expect(world.store.dump().grants).toEqual([]);
  });

  test('starts nothing that could outlive it, and does not even look at it', async () => {
    const world = createSweepWorld();
    await world.givenDue('1');
    const readGrant = () => Promise.reject(new Error('nobody should read it'));
    const ports = { ...world.ports, store: { ...world.ports.store, readGrant } };
    expect(await refreshDue(ports, { deadlineAt: T0 + 69_999 })).toEqual({ ...NOTHING, due: 1, left: 1 });
    expect((await world.grant('quickbooks#1'))?.number).toBe(7);
  });

  test('stops when its time is over, with nothing left leased', async () => {
    const world = createSweepWorld();
    for (let n = 0; n < 20; n += 1) await world.givenDue(String(n));
    const refresh = async () => {
      await world.clock.sleep(5_000);
      return ok('a', 'r');
    };
    world.script.refresh = Array.from({ length: 20 }, () => refresh);
    const { worked, left, due } = await world.sweep({ deadlineAt: T0 + 80_000 });
    expect(due).toBe(20);
    expect(left).toBeGreaterThan(0);
    expect(worked + left).toBe(20);
    const attempts = world.store.dump().grants.flatMap(({ attempt }) => (attempt as Attempt | undefined) ?? []);
    expect(attempts).toHaveLength(20);
    const leased = attempts.filter(({ outcome }) => outcome === undefined);
    expect(leased).toEqual([]);
  });

  test('finds an attempt that died when its lease ends', async () => {
    const world = createSweepWorld();
    const attempt = { number: 8, id: 'dead', kind: 'refresh', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
    await world.givenDue('1', { number: 8, attempt, dueAt: T0 - 75_000 });
    world.script.refresh = [ok('a', 'r')];
    await world.sweep();
    expect(await world.grant('quickbooks#1')).toMatchObject({ tokenVersion: 9, doubts: {} });
    expect(world.events().sort()).toEqual(['attempt.doubt 8', 'attempt.ok 9']);
  });

  test('finds suspects in their own partitions and brings them back', async () => {
    const world = createSweepWorld();
    await world.givenDue('1', { status: 'suspect' });
    expect((await world.grant('quickbooks#1'))?.duePartition).toMatch(/^quickbooks#suspect#/);
    world.script.refresh = [ok('a', 'r')];
    await world.sweep();
    expect(await world.grant('quickbooks#1')).toMatchObject({
      status: 'active',
      duePartition: duePartition(quickbooksGrant({ pk: 'quickbooks#1' })),
    });
    expect(await world.store.readProvider('quickbooks')).toMatchObject({ observedAt: T0, suspects: 1, frozen: false });
    expect(world.published.flat()).toContainEqual({ name: 'Suspects', value: 1, provider: 'quickbooks' });
  });

  test('takes the lost answer with least grace left first', async () => {
    const world = createSweepWorld();
    const attempt = { number: 8, id: 'a-8', kind: 'refresh', startedAt: T0 - HOUR, until: T0 - MINUTE } as const;
    const lost = { number: 8, attempt: { ...attempt, outcome: 'UNKNOWN' } as const };
    const order: string[] = [];
    await world.givenDue('late', { ...lost, unansweredSince: T0 - 5 * MINUTE, dueAt: T0 - 9 * MINUTE }, xeroGrant);
    await world.givenDue('soon', { ...lost, unansweredSince: T0 - 25 * MINUTE, dueAt: T0 - MINUTE }, xeroGrant);
    await world.givenDue('over', { ...lost, unansweredSince: T0 - 31 * MINUTE, dueAt: T0 - 12 * MINUTE }, xeroGrant);
    world.store.onCommit({
      before: ({ writes }) => {
        const [write] = writes;
        const isAcquire = write?.op === 'update' && write.set !== undefined && 'number' in write.set;
        if (isAcquire) order.push(write.key.pk);
      },
    });
    world.script.refresh = [ok('a', 'r'), ok('b', 's'), ok('c', 't')];
    expect((await world.sweep()).worked).toBe(3);
    expect(order).toEqual(['xero#soon', 'xero#late', 'xero#over']);
  });

  test('goes on until nothing is due, however much a partition holds', async () => {
    const world = createSweepWorld();
    for (let n = 0; n < 300; n += 1) await world.givenDue(String(n), { duePartition: 'quickbooks#05' });
    world.script.refresh = Array.from({ length: 300 }, (_, n) => ok(`a${n}`, `r${n}`));
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 300, worked: 300 });
    expect(world.handed).toEqual([]);
  });
});

describe('too much for one run', () => {
  async function givenCrowd(world: SweepWorld): Promise<void> {
    for (let n = 0; n < 520; n += 1) {
      const duePartition = `quickbooks#suspect#0${n % 4}`;
      await world.givenDue(String(n), { status: 'suspect', duePartition });
    }
  }
  const answers = (count: number) => Array.from({ length: count }, (_, n) => ok(`a${n}`, `r${n}`));

  test('is divided among copies, each of which does its share and no more', async () => {
    const world = createSweepWorld();
    await givenCrowd(world);
    world.script.refresh = answers(520);
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 130, worked: 130 });
    expect(world.handed).toEqual([['quickbooks#suspect#01'], ['quickbooks#suspect#02'], ['quickbooks#suspect#03']]);
    const counted = world.counted.length;
    const [partitions = []] = world.handed.splice(0, 3);
    const copies = { countRescues: () => Promise.reject(new Error('a copy observes nothing')) };
    const result = await refreshDue({ ...world.ports, ...copies }, { deadlineAt: T0 + 170_000, partitions });
    expect(result).toEqual({ ...NOTHING, due: 130, worked: 130 });
    expect(world.handed).toEqual([]);
    expect(world.probed).toEqual([]);
    const own = world.counted.slice(counted).filter((line) => !line.startsWith('RefreshOutcome'));
    expect(own).toEqual([]);
  });

  test('is done here when no copy can be had', async () => {
    const world = createSweepWorld();
    await givenCrowd(world);
    world.script.refresh = answers(520);
    world.sweepScript.handOver = 'fails';
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 520, worked: 520 });
  });

  test('is done here while the provider is only coming back', async () => {
    const world = createSweepWorld();
    await givenCrowd(world);
    world.script.refresh = answers(520);
    await world.givenState({ circuitVersion: 2, closedAt: T0 - 20_000 });
    expect((await world.sweep()).worked).toBe(520);
    expect(world.handed).toEqual([]);
  });

  test('is never handed on by a copy, and what is no partition is ignored', async () => {
    const world = createSweepWorld();
    await givenCrowd(world);
    world.script.refresh = answers(520);
    const partitions = [0, 1, 2, 3].map((shard) => `quickbooks#suspect#0${shard}`);
    const { worked } = await world.sweep({ partitions: [...partitions, 'quickbooks#99', 'nonsense'] });
    expect(worked).toBe(520);
    expect(world.handed).toEqual([]);
    expect(await world.sweep({ partitions: [] })).toEqual(NOTHING);
  });
});

describe('an index that cannot be read', () => {
  function broken(world: SweepWorld, isBroken: (partition: string) => boolean) {
    const listDue: SweepWorld['store']['listDue'] = async (partition, at, limit) => {
      if (isBroken(partition)) throw new GrantkeeperError('unavailable');
      return await world.store.listDue(partition, at, limit);
    };
    return { ...world.ports, store: { ...world.ports.store, listDue } };
  }

  test('in part does not hold up the rest', async () => {
    const world = createSweepWorld();
    await world.givenDue('1');
    world.script.refresh = [ok('a', 'r')];
    const ports = broken(world, (partition) => partition.startsWith('xero'));
    expect((await refreshDue(ports, { deadlineAt: T0 + 170_000 })).worked).toBe(1);
    expect(world.logged.join()).toContain('"missed":24');
  });

  test('at all is an error', async () => {
    const world = createSweepWorld();
    const ports = broken(world, () => true);
    await expect(refreshDue(ports, { deadlineAt: T0 + 170_000 })).rejects.toMatchObject({ code: 'unavailable' });
    // The alarm sounds when no heartbeat comes.
    expect(world.counted).toEqual([]);
  });
});

test('a provider that cannot be observed is refreshed all the same', async () => {
  const world = createSweepWorld();
  await world.givenDue('1');
  world.script.refresh = [ok('a', 'r')];
  const countPartition = () => Promise.reject(new GrantkeeperError('unavailable'));
  const ports = { ...world.ports, store: { ...world.ports.store, countPartition } };
  expect((await refreshDue(ports, { deadlineAt: T0 + 170_000 })).worked).toBe(1);
  expect(world.logged).toContain(
    'error a provider could not be observed {"provider":"quickbooks","error":"GrantkeeperError"}',
  );
});

test('a rejected grant is found again a minute later, not in the same run', async () => {
  const world = createSweepWorld();
  await world.givenDue('1', { lastRefreshedAt: T0 - DAY });
  world.script.refresh = [rejected];
  expect(await world.sweep()).toEqual({ ...NOTHING, due: 1, worked: 1 });
  expect(await world.grant('quickbooks#1')).toMatchObject({ status: 'suspect' });
  expect(world.sent).toHaveLength(1);
});
