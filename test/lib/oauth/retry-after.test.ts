import { expect, test } from 'vitest';
import { retryAfterSeconds } from '../../../lib/oauth/retry-after.ts';

/** Fri, 20 Nov 2026 12:00:00 GMT */
const NOW = 1_795_176_000_000;

test.for([
  ['30', 30],
  [' 30 ', 30],
  ['0', 1],
  ['3600', 3600],
  ['999999999', 3600],
  ['Fri, 20 Nov 2026 12:02:00 GMT', 120],
  ['Friday, 20-Nov-26 12:02:00 GMT', 120],
  ['Fri, 20 Nov 2026 11:00:00 GMT', 1],
  ['Sat, 21 Nov 2026 12:00:00 GMT', 3600],
  ['Fri Nov 20 12:02:00 2026', 120],
  ['Thu Dec  3 12:02:00 2026', 3600],
  ['Fri, 20 Nov 2026 12:00:00 GMT', 1],
  ['Fri, 20 Nov 2026 12:02:00 +0200', undefined],
  ['120, 60', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['9999999999', undefined],
  ['soon', undefined],
  ['Fri, 99 Zzz 2026 12:02:00 GMT', undefined],
  ['2026-11-20T12:02:00Z', undefined],
  ['', undefined],
  [undefined, undefined],
] as const)('Retry-After "%s" means %s seconds', ([header, expected]) => {
  expect(retryAfterSeconds(header, NOW)).toBe(expected);
});
