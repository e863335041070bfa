import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { refreshDue } from '../../../lib/service/refresh-due.ts';
import { HOUR, MINUTE, T0, xeroGrant } from '../../support/grants.ts';
import { ok } from '../../support/refresh-world.ts';
import { createSweepWorld, type SweepWorld } from './sweep-world.ts';

const NOTHING = { due: 0, worked: 0, left: 0, skipped: 0, failed: 0 };

describe('one grant’s trouble', () => {
  test('does not hold up the others', async () => {
    const world = createSweepWorld();
    await world.givenDue('1');
    await world.givenDue('2');
    world.script.refresh = [() => Promise.reject(new Error('a fault of ours')), ok('b', 's')];
    const { worked, failed } = await world.sweep();
    expect([worked, failed]).toEqual([1, 1]);
    expect(world.logged.join()).toContain('a due grant could not be worked on');
  });

  test('of many that cannot be read hides none behind them', async () => {
    const world = createSweepWorld();
    const poison = { duePartition: 'quickbooks#05', dueAt: T0 - HOUR };
    for (let n = 0; n < 260; n += 1) await world.givenDue(`poison${n}`, poison);
    await world.givenDue('good', { duePartition: 'quickbooks#05' });
    world.script.refresh = [ok('a', 'r')];
    const readGrant: SweepWorld['store']['readGrant'] = async (key) => {
      if (key.includes('poison')) throw new GrantkeeperError('internal_error');
      return await world.store.readGrant(key);
    };
    const ports = { ...world.ports, store: { ...world.ports.store, readGrant } };
    expect(await refreshDue(ports, { deadlineAt: T0 + 170_000 })).toEqual({
      ...NOTHING,
      due: 261,
      worked: 1,
      failed: 260,
    });
    expect((await world.grant('quickbooks#good'))?.tokenVersion).toBe(8);
  });
});

describe('the workers', () => {
  /** Refreshes that take until `release`, and how many were under way at most. */
  function slow(world: SweepWorld) {
    const seen = { running: 0, most: 0 };
    const refresh = async () => {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      await new Promise((resolve) => setImmediate(resolve));
      seen.running -= 1;
      return ok('a', 'r');
    };
    world.script.refresh = Array.from({ length: 60 }, () => refresh);
    return seen;
  }

  test('of a provider are sixteen', async () => {
    const world = createSweepWorld();
    for (let n = 0; n < 40; n += 1) await world.givenDue(String(n));
    const seen = slow(world);
    expect((await world.sweep()).worked).toBe(40);
    expect(seen.most).toBe(16);
  });

  test('are fewer after an outage', async () => {
    const world = createSweepWorld();
    for (let n = 0; n < 20; n += 1) await world.givenDue(String(n));
    await world.givenState({ circuitVersion: 2, closedAt: T0 - 20_000 });
    const seen = slow(world);
    expect((await world.sweep()).worked).toBe(20);
    expect(seen.most).toBe(4);
  });

  test('of a provider that does not answer are not missed by the other', async () => {
    const world = createSweepWorld();
    for (let n = 0; n < 20; n += 1) await world.givenDue(String(n), {}, xeroGrant);
    await world.givenDue('1');
    let release = () => {};
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { refresh } = world.ports.endpoint;
    world.script.refresh = Array.from({ length: 21 }, () => ok('a', 'r'));
    const endpoint = {
      ...world.ports.endpoint,
      refresh: async (request: Parameters<typeof refresh>[0]) => {
        if (request.provider === 'xero') await stuck;
        return await refresh(request);
      },
    };
    const sweeping = refreshDue({ ...world.ports, endpoint }, { deadlineAt: T0 + 170_000 });
    await expect.poll(async () => (await world.grant('quickbooks#1'))?.tokenVersion).toBe(8);
    expect((await world.grant('xero#1'))?.tokenVersion).toBe(7);
    release();
    expect((await sweeping).worked).toBe(21);
  });
});

describe('an open circuit', () => {
  const OPEN = { kind: 'transient', openedAt: T0 - MINUTE, probeAt: T0 + 30_000 } as const;

  async function givenMany(world: SweepWorld, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await world.givenDue(String(n), { dueAt: T0 - HOUR - n });
  }

  test('lets no more than fifty refreshes be looked at, and none be sent', async () => {
    const world = createSweepWorld();
    await givenMany(world, 520);
    await world.givenState({ circuitVersion: 1, circuit: OPEN });
    let reads = 0;
    const readGrant: SweepWorld['store']['readGrant'] = (key) => {
      reads += 1;
      return world.store.readGrant(key);
    };
    const ports = { ...world.ports, store: { ...world.ports.store, readGrant } };
    const result = await refreshDue(ports, { deadlineAt: T0 + 170_000 });
    expect(result).toEqual({ ...NOTHING, due: 520, skipped: 520 });
    expect(reads).toBeLessThanOrEqual(66);
    expect(world.sent).toEqual([]);
    expect(world.handed).toEqual([]);
    expect(world.published.flat()).toContainEqual({ name: 'CircuitOpen', value: 1, provider: 'quickbooks' });
  });

  test('of one provider leaves the other alone', async () => {
    const world = createSweepWorld();
    await world.givenDue('1');
    await world.givenDue('1', {}, xeroGrant);
    await world.givenState({ circuitVersion: 1, circuit: OPEN });
    world.script.refresh = [ok('a', 'r')];
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 2, worked: 1, skipped: 1 });
    expect((await world.grant('xero#1'))?.tokenVersion).toBe(8);
  });

  test('is probed when it is time, and what was waiting is refreshed at once, slowly', async () => {
    const world = createSweepWorld();
    await givenMany(world, 3);
    await world.givenState({ circuitVersion: 1, circuit: { ...OPEN, probeAt: T0 } });
    world.script.refresh = [ok('a', 'r'), ok('b', 's'), ok('c', 't')];
    expect(await world.sweep()).toEqual({ ...NOTHING, due: 3, worked: 3 });
    expect(world.probed).toEqual(['quickbooks']);
    expect(await world.store.readProvider('quickbooks')).toMatchObject({ closedAt: T0 });
    expect(world.published.flat()).toContainEqual({ name: 'CircuitOpen', value: 0, provider: 'quickbooks' });
  });

  test('lets duties be done, also behind many refreshes, in time', async () => {
    const world = createSweepWorld();
    const detach = { 'connection-1': { tenantId: 'tenant-1', since: T0 - MINUTE } };
    const access = { ...xeroGrant().access, obtainedAt: T0, expiresAt: T0 + 30 * MINUTE };
    const duePartition = 'xero#05';
    await world.givenDue('1', { detach, access, orgs: new Set(['acme', 'globex']), duePartition }, xeroGrant);
    for (let n = 0; n < 200; n += 1) {
      await world.givenDue(`other${n}`, { dueAt: T0 - HOUR, duePartition }, xeroGrant);
    }
    await world.givenState({ circuitVersion: 1, circuit: OPEN }, 'xero');
    world.script.duty = [{ kind: 'DONE' }];
    let rank = 1;
    // Ranks fall, so what is due last comes first in this run.
    const random = () => {
      rank /= 1.01;
      return rank;
    };
    const { worked, skipped } = await refreshDue({ ...world.ports, random }, { deadlineAt: T0 + 170_000 });
    expect([worked, skipped]).toEqual([1, 200]);
    expect((await world.grant('xero#1'))?.detach).toEqual({});
  });

  test('that opens meanwhile ends the run', async () => {
    const world = createSweepWorld();
    await givenMany(world, 200);
    world.script.refresh = Array.from(
      { length: 40 },
      () => ({ kind: 'UNKNOWN', reason: 'timeout', answer: 'cut' }) as const,
    );
    const { due, worked, skipped, left } = await world.sweep();
    expect([due, worked + skipped, left]).toEqual([200, 200, 0]);
    expect(worked).toBeLessThan(40);
    expect((await world.store.readProvider('quickbooks'))?.circuit?.kind).toBe('transient');
  });
});
