import { expect, test } from 'vitest';
import { clockFromOffset, createClock, withLeaps } from '../../local/clock.ts';

test('an advance is seen by every clock over the same offset', () => {
  const clock = createClock();
  const other = clockFromOffset(clock.offset);
  clock.advance(3_600);
  expect(Math.abs(other.now() - Date.now() - 3_600_000)).toBeLessThan(1_000);
});

test('a clock does not go back', () => {
  expect(() => createClock().advance(-1)).toThrow('the clock only moves forward');
});

test('moved by more than a minute at once it leaps, and remembers from when to when', () => {
  const clock = withLeaps(createClock());
  clock.advance(60);
  clock.advance(61);
  const [leap, ...others] = clock.leaps();
  expect(others).toEqual([]);
  expect([(leap?.toAt ?? 0) - (leap?.fromAt ?? 0), Math.abs((leap?.toAt ?? 0) - clock.now()) < 1_000]).toEqual([
    61_000,
    true,
  ]);
});
