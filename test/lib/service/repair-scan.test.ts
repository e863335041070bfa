import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { duePartition, type LivingGrant } from '../../../lib/domain/grant.ts';
import { nextDue } from '../../../lib/domain/next-due.ts';
import { type RepairPorts, repairAll } from '../../../lib/service/repair-scan.ts';
import { DAY, HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createSweepWorld, type SweepWorld } from './sweep-world.ts';

/** A grant as its last write left it. */
function sound(subject: string, changes: Partial<LivingGrant> = {}, of = quickbooksGrant): LivingGrant {
  const pk = `${of().provider}#${subject}` as const;
  const grant = of({ pk, subject, ...changes });
  const dueAt = nextDue(grant, QUICKBOOKS_POLICY, T0);
  return { ...grant, duePartition: duePartition(grant), ...(dueAt === undefined ? {} : { dueAt }) };
}

/** Fallen out of the index. */
function lost({ dueAt: _, duePartition: __, ...grant }: LivingGrant): LivingGrant {
  return grant;
}

const repair = (world: SweepWorld, over: Partial<RepairPorts> = {}, budgetMs = 170_000) =>
  repairAll({ ...world.ports, ...over }, { deadlineAt: world.clock.now() + budgetMs });

/** The world's store with scans that do something else first. */
function scanning(world: SweepWorld, before: (share: number, calls: number) => void | Promise<void>) {
  let calls = 0;
  const scanGrants: SweepWorld['store']['scanGrants'] = async (page) => {
    calls += 1;
    await before(page.share, calls);
    return await world.store.scanGrants(page);
  };
  return { store: { ...world.ports.store, scanGrants } };
}

test('what the sweep would not find is due again, and what it would find is left alone', async () => {
  const world = createSweepWorld();
  const grants = [sound('1'), sound('2'), sound('3', { status: 'suspect' }), sound('4', {}, xeroGrant)];
  const [first, second, third, fourth] = grants as [LivingGrant, LivingGrant, LivingGrant, LivingGrant];
  await world.put(first);
  await world.put(lost(second));
  await world.put({ ...third, duePartition: 'quickbooks#03' });
  await world.put({ ...fourth, dueAt: T0 + 30 * DAY });
  expect(await repair(world)).toEqual({ count: 4, done: 3, failed: 0, missed: 0 });
  for (const grant of grants) expect(await world.grant(grant.pk)).toEqual(grant);
  expect(world.logged.toSorted()).toEqual(
    [second, third, fourth].map(({ pk }) => `warn a grant the sweep would have missed was put right {"grant":"${pk}"}`),
  );
});

test('the grants of each provider are counted, the living ones and those of each status', async () => {
  const world = createSweepWorld();
  for (let n = 0; n < 250; n += 1) await world.put(sound(String(n)));
  await world.put(sound('x', {}, xeroGrant));
  await world.put(sound('gone', { status: 'needs_reauth' }, xeroGrant));
  const { current: _, access: __, ...closed } = lost(sound('closed', {}, xeroGrant));
  await world.put({ ...closed, status: 'closed' });
  await world.givenState({ lastSuccessAt: T0 - HOUR }, 'xero');
  expect((await repair(world)).count).toBe(253);
  expect(await world.store.readProvider('quickbooks')).toEqual({
    v: 1,
    pk: 'PROVIDER#quickbooks',
    provider: 'quickbooks',
    grants: 250,
    grantsByStatus: { active: 250, suspect: 0, needs_reauth: 0, closing: 0, closed: 0 },
    countedAt: T0,
  });
  expect(await world.store.readProvider('xero')).toEqual({
    v: 1,
    pk: 'PROVIDER#xero',
    provider: 'xero',
    grants: 2,
    grantsByStatus: { active: 1, suspect: 0, needs_reauth: 1, closing: 0, closed: 1 },
    countedAt: T0,
    lastSuccessAt: T0 - HOUR,
  });
});

test('a share is gone through to its last page, also where a page holds nothing', async () => {
  const world = createSweepWorld();
  await world.put(lost(sound('1')));
  const scanGrants: SweepWorld['store']['scanGrants'] = async ({ next, ...share }) =>
    next === undefined ? { grants: [], next: 'quickbooks#0' } : await world.store.scanGrants(share);
  const result = await repair(world, { store: { ...world.ports.store, scanGrants } });
  expect(result).toEqual({ count: 1, done: 1, failed: 0, missed: 0 });
});

test('a grant that is being worked on is left to whoever does it', async () => {
  const world = createSweepWorld();
  const grant = lost(sound('1'));
  await world.put(grant);
  const attempt = { number: 8, id: 'a-8', kind: 'refresh', startedAt: T0, until: T0 + 2 * MINUTE } as const;
  const stop = world.store.onCommit({
    before: async () => {
      stop();
      await world.put({ ...grant, number: 8, attempt, dueAt: attempt.until });
    },
  });
  expect(await repair(world)).toEqual({ count: 1, done: 0, failed: 0, missed: 0 });
  expect((await world.grant(grant.pk))?.dueAt).toBe(attempt.until);
});

describe('a scan in trouble', () => {
  test('goes on after a page that failed twice', async () => {
    const world = createSweepWorld();
    await world.put(lost(sound('1')));
    const failures = new Map<number, number>();
    const over = scanning(world, (share) => {
      const failed = failures.get(share) ?? 0;
      failures.set(share, failed + 1);
      if (failed < 2) throw new GrantkeeperError('unavailable');
    });
    expect(await repair(world, over)).toEqual({ count: 1, done: 1, failed: 0, missed: 0 });
  });

  test('tells loudly which part it could not read, and keeps the counts as they were', async () => {
    const world = createSweepWorld();
    await world.put(sound('1'));
    const over = scanning(world, (share) => {
      if (share === 3) throw new GrantkeeperError('unavailable');
    });
    expect(await repair(world, over)).toMatchObject({ missed: 1 });
    expect(world.logged.filter((line) => line.startsWith('error'))).toEqual([
      'error a page of grants could not be scanned {"error":"GrantkeeperError"}',
      expect.stringMatching(/^error the daily scan did not get through \{.*"missed":1\}$/),
    ]);
    expect(await world.store.readProvider('quickbooks')).toBeUndefined();
  });

  test('stops in time, tells so, and begins elsewhere the next day', async () => {
    const first: number[] = [];
    for (const days of [0, 1]) {
      const world = createSweepWorld();
      await world.clock.advance(days * DAY);
      const shares: number[] = [];
      const over = scanning(world, async (share) => {
        shares.push(share);
        await world.clock.advance(10_000);
      });
      const { missed } = await repair(world, over, 60_000);
      expect(missed).toBe(16 - shares.length);
      expect(missed).toBeGreaterThan(0);
      expect(world.logged.join()).toContain('error the daily scan did not get through');
      expect(world.clock.now()).toBeLessThanOrEqual(T0 + days * DAY + 60_000);
      first.push(shares[0] ?? -1);
    }
    expect(first[1]).toBe(((first[0] ?? 0) + 1) % 16);
  });

  test('a grant that cannot be written is told, and the others are put right', async () => {
    const world = createSweepWorld();
    await world.put(lost(sound('1')));
    await world.put(lost(sound('2')));
    const commit: SweepWorld['store']['commit'] = async (transaction) => {
      if (transaction.writes[0]?.key.pk === 'quickbooks#1') throw new GrantkeeperError('unavailable');
      return await world.store.commit(transaction);
    };
    const result = await repair(world, { store: { ...world.ports.store, commit } });
    expect(result).toEqual({ count: 2, done: 1, failed: 1, missed: 0 });
    expect(world.logged).toContain(
      'error a grant could not be put right {"grant":"quickbooks#1","error":"GrantkeeperError"}',
    );
  });
});
