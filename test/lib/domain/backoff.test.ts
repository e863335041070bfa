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
