import type { Instant } from './terms.ts';

/**
 * Generations are ULIDs, so they read in order of time: ten characters of Crockford's base 32 for the millisecond they were
 * drawn at, then chance (https://github.com/ulid/spec).
 */

const TIME_LENGTH = 10;
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** When a generation was drawn; NaN when it is no ULID. */
export function drawnAt(generation: string): Instant {
  let at = 0;
  for (const digit of generation.slice(0, TIME_LENGTH)) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) return Number.NaN;
    at = at * DIGITS.length + value;
  }
  return generation.length < TIME_LENGTH ? Number.NaN : at;
}

/** Milliseconds by which `later` was drawn after `earlier`; NaN when one of them is no ULID. */
export function drawnAfterMs(later: string, earlier: string): number {
  return drawnAt(later) - drawnAt(earlier);
}
