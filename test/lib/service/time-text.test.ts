import { expect, test } from 'vitest';
import { durationText, timeText } from '../../../lib/service/time-text.ts';
import { DAY, HOUR, MINUTE, T0 } from '../../support/grants.ts';

test.for([
  [0, '0 s'],
  [119_000, '119 s'],
  [2 * MINUTE, '2 min'],
  [119 * MINUTE, '119 min'],
  [2 * HOUR, '2 h'],
  [47 * HOUR, '47 h'],
  [2 * DAY, '2 days'],
  [100 * DAY, '100 days'],
] as const)('%d ms are %s', ([ms, text]) => {
  expect(durationText(ms)).toBe(text);
});

test.for([
  [T0 + 30 * MINUTE, '2026-11-20 12:30:00Z (in 30 min)'],
  [T0 - 3 * DAY, '2026-11-17 12:00:00Z (3 days ago)'],
  [T0, '2026-11-20 12:00:00Z (0 s ago)'],
] as const)('%d is %s', ([at, text]) => {
  expect(timeText(at, T0)).toBe(text);
});
