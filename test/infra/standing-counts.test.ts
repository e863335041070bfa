import { beforeAll, expect, test } from 'vitest';
import { METRICS } from '../../lib/domain/names.ts';
import { STANDING_COUNTS } from '../../lib/domain/standing-counts.ts';
import { alarmsIn, tell, watchResources } from './watched.ts';

/** `Name{dimension=value,…}` of every metric of ours that an alarm adds up. */
let added: readonly string[];
beforeAll(() => {
  const metrics = [...alarmsIn(watchResources()).values()].flatMap((alarm) => tell(alarm).metrics);
  added = metrics.flatMap((told) => /Grantkeeper\/dev (\w+\{[^}]*\}) Sum /.exec(told)?.[1] ?? []);
});

/** 0 or 1 for each flow: a 0 more would change the ratio. */
const RATIO = METRICS.connectFault;

test('what alarms add up is counted as 0 by each sweep, so that no part of a sum is ever unknown', () => {
  const standing = STANDING_COUNTS.map(({ name, ...dimensions }) => {
    const pairs = Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `${name}{${pairs.map((pair) => pair.join('=')).join(',')}}`;
  });
  const counts = added.filter((told) => !told.startsWith(`${RATIO}{`));
  expect(counts.length).toBeGreaterThan(30);
  // The heartbeat is missed by its absence.
  const missing = counts.filter((told) => !standing.includes(told) && !told.startsWith(`${METRICS.sweepHeartbeat}{`));
  expect(missing).toEqual([]);
});
