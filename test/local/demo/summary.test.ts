import { expect, test } from 'vitest';
import { percentile } from '../../../local/demo/summary.ts';

test.for<[readonly number[], number, string]>([
  [[5], 50, '5.0'],
  [[4, 1, 3, 2], 50, '2.0'],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], 95, '19.0'],
  [[1, 2, 3], 100, '3.0'],
])('of %j the %i th percentile is %s (nearest rank)', ([values, percent, expected]) => {
  expect(percentile(values, percent)).toBe(expected);
});
