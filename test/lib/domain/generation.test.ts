import { expect, test } from 'vitest';
import { drawnAfterMs } from '../../../lib/domain/generation.ts';

test.for([
  // The example of the specification was drawn at 1469918176385.
  ['01ARYZ6S41TSV4RRFFQ69G5FAV', '01ARYZ6S41AAAAAAAAAAAAAAAA', 0],
  ['01ARYZ6S41TSV4RRFFQ69G5FAV', '0000000000AAAAAAAAAAAAAAAA', 1_469_918_176_385],
  ['01ARYZ6S40AAAAAAAAAAAAAAAA', '01ARYZ6S41AAAAAAAAAAAAAAAA', -1],
  ['01ARYZ6S4', '01ARYZ6S41AAAAAAAAAAAAAAAA', Number.NaN],
  ['gen-2', '01ARYZ6S41AAAAAAAAAAAAAAAA', Number.NaN],
] as const)('%s was drawn after %s by %d ms', ([later, earlier, ms]) => {
  expect(drawnAfterMs(later, earlier)).toBe(ms);
});
