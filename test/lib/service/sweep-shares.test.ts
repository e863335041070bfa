import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { GrantKey } from '../../../lib/domain/terms.ts';
import { ALL_PARTITIONS, providerOf, shareOut } from '../../../lib/service/sweep-shares.ts';

function foundOf(counts: Record<string, number>) {
  const entries = (count: number, partition: string) =>
    Array.from({ length: count }, (_, n) => ({ grant: `${partition}-${n}` as GrantKey, dueAt: n }));
  return new Map(Object.entries(counts).map(([partition, count]) => [partition, entries(count, partition)]));
}

async function shared(
  counts: Record<string, number>,
  { failing = [] as readonly number[], providers = ['quickbooks', 'xero'] as ('quickbooks' | 'xero')[] } = {},
) {
  const handed: (readonly string[])[] = [];
  const logged: string[] = [];
  let calls = 0;
  const ports = {
    handOver: async ({ partitions }: { readonly partitions: readonly string[] }) => {
      calls += 1;
      if (failing.includes(calls)) throw new GrantkeeperError('unavailable');
      handed.push(partitions);
    },
    log: (level: string, message: string) => void logged.push(`${level} ${message}`),
  };
  const own = [...(await shareOut(ports, foundOf(counts), providers)).keys()];
  return { own, handed, logged };
}

test('there are 24 partitions per provider', () => {
  expect(ALL_PARTITIONS).toHaveLength(48);
  expect(new Set(ALL_PARTITIONS).size).toBe(48);
  expect(providerOf('xero#recovery#03')).toBe('xero');
  expect(providerOf('quickbooks#suspect#00')).toBe('quickbooks');
  expect(providerOf('xero#16')).toBeUndefined();
});

describe('a sweep', () => {
  test('of 500 is no matter for copies', async () => {
    const { own, handed } = await shared({ 'xero#00': 250, 'xero#01': 250, 'xero#02': 0 });
    expect([own, handed]).toEqual([['xero#00', 'xero#01', 'xero#02'], []]);
  });

  test('of more is divided into four shares as even as can be, one of them its own', async () => {
    const { own, handed, logged } = await shared({
      'xero#suspect#00': 250,
      'xero#suspect#01': 250,
      'xero#suspect#02': 250,
      'xero#suspect#03': 250,
      'xero#00': 90,
      'xero#01': 80,
      'xero#02': 70,
      'quickbooks#05': 60,
      'quickbooks#06': 0,
    });
    expect(own).toEqual(['xero#suspect#00', 'xero#00', 'quickbooks#06']);
    expect(handed).toEqual([
      ['xero#suspect#01', 'xero#01'],
      ['xero#suspect#02', 'xero#02'],
      ['xero#suspect#03', 'quickbooks#05'],
    ]);
    expect(logged).toEqual(Array(3).fill('info a share of the sweep was handed over'));
  });

  test('of few partitions makes few shares', async () => {
    const { own, handed } = await shared({ 'xero#00': 251, 'xero#01': 250 });
    expect([own, handed]).toEqual([['xero#00'], [['xero#01']]]);
  });

  test('keeps what no copy could be asked to take', async () => {
    const counts = { 'xero#00': 250, 'xero#01': 250, 'xero#02': 250, 'xero#03': 250 };
    const { own, handed, logged } = await shared(counts, { failing: [2] });
    expect(own).toEqual(['xero#00', 'xero#02']);
    expect(handed).toEqual([['xero#01'], ['xero#03']]);
    expect(logged).toContain('warn a share of the sweep could not be handed over');
  });

  test('hands on nothing of a provider that cannot take more', async () => {
    const counts = { 'xero#00': 250, 'xero#01': 250, 'quickbooks#02': 250, 'quickbooks#03': 249 };
    expect((await shared(counts, { providers: ['quickbooks'] })).handed).toEqual([]);
    const more = await shared({ ...counts, 'quickbooks#04': 250 }, { providers: ['quickbooks'] });
    expect(more.handed.flat().toSorted()).toEqual(['quickbooks#03', 'quickbooks#04']);
    expect(more.own).toEqual(['xero#00', 'xero#01', 'quickbooks#02']);
  });
});
