import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { measureOverdue } from '../../../lib/service/fleet-gauges.ts';
import type { Gauge } from '../../../lib/service/ports.ts';
import { refreshDue, type SweepPorts } from '../../../lib/service/refresh-due.ts';
import { ALL_PARTITIONS } from '../../../lib/service/sweep-shares.ts';
import { MINUTE, T0, xeroGrant } from '../../support/grants.ts';
import { ok } from '../../support/refresh-world.ts';
import { createSweepWorld, type SweepWorld } from './sweep-world.ts';

const OPENED = { openedAt: T0 - MINUTE, probeAt: T0 + MINUTE } as const;
const DEADLINE = { deadlineAt: T0 + 170_000 };

async function publishedBy(world: SweepWorld, over: Partial<SweepPorts> = {}): Promise<readonly Gauge[]> {
  await refreshDue({ ...world.ports, ...over }, DEADLINE);
  expect(world.published).toHaveLength(1);
  return world.published[0] ?? [];
}

const of = (provider: Gauge['provider'], gauges: readonly Gauge[]) =>
  gauges.filter((gauge) => gauge.provider === provider);
const failing = () => Promise.reject(new GrantkeeperError('unavailable'));

describe('a run publishes in one go', () => {
  test('how every provider stands, and our keys', async () => {
    const world = createSweepWorld();
    world.sweepScript.unusableKeys = 1;
    await world.givenState({
      grantsByStatus: { active: 40, suspect: 3, needs_reauth: 2, closing: 1, closed: 9 },
      circuitVersion: 1,
      circuit: { kind: 'config', ...OPENED },
    });
    for (let n = 0; n < 7; n += 1) await world.givenDue(`${n}`, { status: 'suspect', dueAt: T0 + 1 }, xeroGrant);
    const gauges = await publishedBy(world);
    expect(of(undefined, gauges)).toEqual([{ name: 'KeysUnusable', value: 1 }]);
    expect(of('quickbooks', gauges)).toEqual([
      { name: 'OverdueGrants', value: 0, provider: 'quickbooks' },
      { name: 'Suspects', value: 0, provider: 'quickbooks' },
      { name: 'VerdictsFrozen', value: 0, provider: 'quickbooks' },
      { name: 'Grants', value: 40, provider: 'quickbooks', outcome: 'active' },
      { name: 'Grants', value: 3, provider: 'quickbooks', outcome: 'suspect' },
      { name: 'Grants', value: 2, provider: 'quickbooks', outcome: 'needs_reauth' },
      { name: 'Grants', value: 1, provider: 'quickbooks', outcome: 'closing' },
      { name: 'Grants', value: 9, provider: 'quickbooks', outcome: 'closed' },
      { name: 'CircuitOpen', value: 1, provider: 'quickbooks' },
      { name: 'ConfigRefused', value: 1, provider: 'quickbooks' },
    ]);
    expect(of('xero', gauges)).toEqual([
      { name: 'OverdueGrants', value: 0, provider: 'xero' },
      { name: 'Suspects', value: 7, provider: 'xero' },
      { name: 'VerdictsFrozen', value: 1, provider: 'xero' },
      { name: 'CircuitOpen', value: 0, provider: 'xero' },
      { name: 'ConfigRefused', value: 0, provider: 'xero' },
    ]);
  });

  test('a circuit that is open because nobody answers, and is not our doing', async () => {
    const world = createSweepWorld();
    await world.givenState({ circuitVersion: 1, circuit: { kind: 'transient', ...OPENED } });
    expect(of('quickbooks', await publishedBy(world)).slice(-2)).toEqual([
      { name: 'CircuitOpen', value: 1, provider: 'quickbooks' },
      { name: 'ConfigRefused', value: 0, provider: 'quickbooks' },
    ]);
  });

  test('grants that were due for more than a minute when it began, before any is refreshed', async () => {
    const world = createSweepWorld();
    await world.givenDue('1', { dueAt: T0 - MINUTE });
    await world.givenDue('2', { dueAt: T0 - MINUTE - 1 });
    await world.givenDue('3', { dueAt: T0 - 9 * MINUTE });
    world.script.refresh = [ok('a', 'r'), ok('b', 's'), ok('c', 't')];
    expect(of('quickbooks', await publishedBy(world))[0]).toEqual({
      name: 'OverdueGrants',
      value: 2,
      provider: 'quickbooks',
    });
  });
});

describe('what could not be measured is left out', () => {
  const names = (gauges: readonly Gauge[]) => gauges.map(({ name }) => name);

  test('a provider that cannot be observed', async () => {
    const world = createSweepWorld();
    const gauges = await publishedBy(world, { store: { ...world.ports.store, countPartition: failing } });
    expect(names(of('xero', gauges))).toEqual(['OverdueGrants', 'CircuitOpen', 'ConfigRefused']);
    expect(world.logged).toContain(
      'error a provider could not be observed {"provider":"xero","error":"GrantkeeperError"}',
    );
  });

  test('a provider whose state cannot be read, though it admits', async () => {
    const world = createSweepWorld();
    const gauges = await publishedBy(world, { store: { ...world.ports.store, readProvider: failing } });
    expect(names(of('xero', gauges))).toEqual(['OverdueGrants']);
  });

  test('keys that cannot be asked for', async () => {
    const world = createSweepWorld();
    expect(of(undefined, await publishedBy(world, { countUnusableKeys: failing }))).toEqual([]);
    expect(world.logged).toEqual([
      'error it could not be found out whether our keys can be used {"error":"GrantkeeperError"}',
    ]);
  });

  test('what is overdue where a part of the index was not read', () => {
    const entries = [{ grant: 'xero#1', dueAt: T0 - 5 * MINUTE }] as const;
    const found = new Map(ALL_PARTITIONS.map((partition) => [partition, partition === 'xero#03' ? entries : []]));
    expect(measureOverdue({ found }, 'xero', T0)).toEqual([{ name: 'OverdueGrants', value: 1, provider: 'xero' }]);
    found.delete('xero#04');
    expect(measureOverdue({ found }, 'xero', T0)).toEqual([]);
    expect(measureOverdue({ found }, 'quickbooks', T0)).toEqual([
      { name: 'OverdueGrants', value: 0, provider: 'quickbooks' },
    ]);
  });
});

test('a run that can read nothing of the index still tells whether our keys can be used, and nothing else', async () => {
  const world = createSweepWorld();
  world.sweepScript.unusableKeys = 1;
  const ports = { ...world.ports, store: { ...world.ports.store, listDue: failing } };
  await expect(refreshDue(ports, DEADLINE)).rejects.toMatchObject({ code: 'unavailable' });
  expect(world.published).toEqual([[{ name: 'KeysUnusable', value: 1 }]]);
  expect(world.counted).toEqual([]);
});

test('gauges that are not taken cost a line and nothing else', async () => {
  const world = createSweepWorld();
  await world.givenDue('1');
  world.script.refresh = [ok('a', 'r')];
  expect(await refreshDue({ ...world.ports, publish: failing }, DEADLINE)).toMatchObject({ worked: 1, failed: 0 });
  expect(world.logged).toContain('error gauges could not be published {"error":"GrantkeeperError"}');
  expect(world.counted.filter((line) => !line.startsWith('RefreshOutcome'))).toEqual([
    'SweepHeartbeat 1',
    'RefreshLag 60000',
  ]);
});

test('publishing that hangs holds no refresh up', async () => {
  const world = createSweepWorld();
  await world.givenDue('1');
  world.script.refresh = [ok('a', 'r')];
  let taken = () => {};
  const publish = () => new Promise<void>((resolve) => (taken = resolve));
  const run = refreshDue({ ...world.ports, publish }, DEADLINE);
  while ((await world.grant('quickbooks#1'))?.tokenVersion !== 8) await new Promise((resolve) => setImmediate(resolve));
  taken();
  expect((await run).worked).toBe(1);
});

test('a copy with a share of its own publishes nothing', async () => {
  const world = createSweepWorld();
  await refreshDue(world.ports, { ...DEADLINE, partitions: ['quickbooks#00'] });
  expect(world.published).toEqual([]);
});
