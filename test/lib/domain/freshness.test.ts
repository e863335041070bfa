import { expect, test } from 'vitest';
import {
  expiryOf,
  freshnessOf,
  minValidityMs,
  onDemandMs,
  refreshAheadMs,
  remainingMs,
} from '../../../lib/domain/freshness.ts';
import { HOUR, MINUTE, T0 } from '../../support/grants.ts';

const MARGINS = { refreshAheadSeconds: 1800, onDemandSeconds: 300, keepAliveSeconds: 1_209_600 };
const life = (minutes: number) => ({ obtainedAt: T0, expiresAt: T0 + minutes * MINUTE });

test('an expiry counts from when the request was sent', () => {
  expect(expiryOf(1_795_176_000_000, 3600)).toBe(1_795_179_600_000);
});

test('what is left turns negative once the token has expired', () => {
  expect(remainingMs(life(60), T0 + HOUR + 1)).toBe(-1);
});

test.for([
  [60, 1_800_000, 300_000],
  [30, 900_000, 300_000],
  [5, 150_000, 50_000],
] as const)(
  'a token of %i minutes is refreshed %i ms ahead by the schedule and %i ms ahead by readers',
  ([minutes, ahead, onDemand]) => {
    expect(refreshAheadMs(life(minutes), MARGINS)).toBe(ahead);
    expect(onDemandMs(life(minutes), MARGINS)).toBe(onDemand);
  },
);

test.for([
  [undefined, 60_000],
  [120, 120_000],
  [3500, 1_800_000],
  [0, 0],
] as const)('a reader asking for %s seconds is promised %i ms', ([asked, promised]) => {
  expect(minValidityMs(asked, life(60))).toBe(promised);
});

test.for([
  [300_000, 'fresh'],
  [299_999, 'expiring'],
  [60_000, 'expiring'],
  [59_999, 'short'],
  [5_000, 'short'],
  [4_999, 'expired'],
  [-1, 'expired'],
] as const)('with %i ms left a token is %s for a reader who needs a minute', ([left, freshness]) => {
  expect(freshnessOf(life(60), 60_000, MARGINS, T0 + HOUR - left)).toBe(freshness);
});
