import { expect, test } from 'vitest';
import { isStatistic, percentileOf, statisticOf } from '../../../local/alarms/statistics.ts';

/** 1 to 200. */
const values = new Map(Array.from({ length: 200 }, (_, index) => [index + 1, 1]));
const summary = { count: 200, sum: 20_100, minimum: 1, maximum: 200, values };

test.for<[string, number]>([
  ['SampleCount', 200],
  ['Sum', 20_100],
  ['Average', 100.5],
  ['Minimum', 1],
  ['Maximum', 200],
  ['p50', 100],
  ['p99', 198],
  ['p99.9', 200],
  ['p100', 200],
])('%s of 1 to 200 is %d', ([statistic, expected]) => {
  expect(statisticOf(statistic, summary)).toBe(expected);
});

test('values that came several times count as often', () => {
  const skewed = {
    ...summary,
    values: new Map([
      [5_000, 2],
      [10, 98],
    ]),
  };
  expect([statisticOf('p98', skewed), statisticOf('p99', skewed)]).toEqual([10, 5_000]);
});

test('nothing is known of no data, nor a percentile of sums', () => {
  expect(statisticOf('Sum', undefined)).toBeUndefined();
  expect(statisticOf('p99', { ...summary, values: new Map() })).toBeUndefined();
});

test('other statistics are not', () => {
  expect(['tm90', 'p101', 'p9.', 'IQM', 'PR(0:1)'].filter(isStatistic)).toEqual([]);
  expect([percentileOf('p99.5'), percentileOf('Sum')]).toEqual([0.995, undefined]);
});
