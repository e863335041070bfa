import type { Instant } from '../../lib/domain/grant.ts';
import type { Random } from './random.ts';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** ULIDs: in order of the clock that drew them, and in any order within one of its milliseconds. */
export function createIds(random: Random) {
  let drawn = 0;
  return {
    next(now: Instant): string {
      drawn += 1;
      const chance = DIGITS[random.between(0, 31)] ?? '0';
      return `${digits(now, 10)}${chance}${digits(drawn, 15)}`;
    },
  };
}

function digits(value: number, length: number): string {
  let text = '';
  for (let left = value; text.length < length; left = Math.floor(left / 32)) text = (DIGITS[left % 32] ?? '0') + text;
  return text;
}
