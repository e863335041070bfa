import { expect, test } from 'vitest';
import { backoffMs, suspectBackoffMs } from '../../../lib/domain/backoff.ts';

test.for([
  [1, 0.5, 1_000],
  [3, 0.999, 7_992],
  [8, 0.5, 128_000],
  [9, 0.5, 150_000],
  [1000, 0.9, 270_000],
  [5, 0, 0],
] as const)('after %i failures with a draw of %f the wait is %i ms', ([failures, random, waitMs]) => {
  expect(backoffMs(failures, random)).toBe(waitMs);
});

test.for([
  [1, 60_000],
  [2, 120_000],
  [3, 240_000],
  [4, 300_000],
  [50, 300_000],
] as const)('after %i rejections the next try is %i ms away', ([count, waitMs]) => {
  expect(suspectBackoffMs(count)).toBe(waitMs);
});

test.for([
  [1, 60_000],
  [2, 90_000],
  [3, 90_000],
] as const)('with a cap of 90 s, after %i rejections the next try is %i ms away', ([count, waitMs]) => {
  expect(suspectBackoffMs(count, { baseMs: 1_000, capMs: 90_000 })).toBe(waitMs);
});

test('a cap below a minute never brings two rejections closer together', () => {
  const policy = { baseMs: 100, capMs: 5_000 };
  expect([1, 2, 30].map((count) => suspectBackoffMs(count, policy))).toEqual([60_000, 60_000, 60_000]);
  expect([1, 6, 30].map((count) => backoffMs(count, 0.5, policy))).toEqual([100, 2_500, 2_500]);
});
