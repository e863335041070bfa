import { describe, expect, test } from 'vitest';
import { type RotationRules, startChain, useRefreshValue } from '../../../local/simulators/refresh-chain.ts';

const HOUR = 3_600_000;
const DAILY: RotationRules = {
  rotateAfterMs: 24 * HOUR,
  graceMs: 0,
  idleMs: 100 * 24 * HOUR,
  hardMs: 1000 * 24 * HOUR,
};
const DAILY_WITH_GRACE: RotationRules = { ...DAILY, graceMs: 24 * HOUR };
const EVERY_CALL: RotationRules = { ...DAILY, rotateAfterMs: 0 };
const XERO: RotationRules = { rotateAfterMs: 0, graceMs: HOUR / 2, idleMs: 60 * 24 * HOUR };

/** Plays `uses` (hour, value) on a chain whose values are v1, v2, … in order of issue; gives what came of each. */
function play(rules: RotationRules, uses: readonly (readonly [hour: number, value: string])[]): string[] {
  let chain = startChain('v1', 0);
  let issued = 1;
  const next = (): string => {
    issued += 1;
    return `v${issued}`;
  };
  return uses.map(([hour, value]) => {
    const use = useRefreshValue(chain, value, { rules, now: hour * HOUR, next });
    if (use.kind !== 'accepted') return use.kind;
    chain = use.chain;
    return chain.current.value;
  });
}

describe('a refresh chain', () => {
  test.for<[string, RotationRules, [number, string][], string[]]>([
    [
      'keeps its value for a day',
      DAILY,
      [
        [1, 'v1'],
        [23, 'v1'],
        [23.99, 'v1'],
      ],
      ['v1', 'v1', 'v1'],
    ],
    [
      'rotates after a day and refuses the old value at once',
      DAILY,
      [
        [24, 'v1'],
        [24, 'v1'],
        [25, 'v2'],
      ],
      ['v2', 'replaced', 'v2'],
    ],
    [
      'counts the day from the issue of the value',
      DAILY,
      [
        [30, 'v1'],
        [53, 'v2'],
        [54, 'v2'],
      ],
      ['v2', 'v2', 'v3'],
    ],
    [
      'can rotate at every call',
      EVERY_CALL,
      [
        [0, 'v1'],
        [0, 'v2'],
        [0, 'v1'],
      ],
      ['v2', 'v3', 'replaced'],
    ],
    [
      'accepts the old value during its day of grace, giving the new one',
      DAILY_WITH_GRACE,
      [
        [25, 'v1'],
        [48, 'v1'],
        [49, 'v1'],
        [49, 'v2'],
      ],
      ['v2', 'v2', 'replaced', 'v3'],
    ],
    [
      'lets the previous value be retried, and each retry replaces the lost answer',
      XERO,
      [
        [0, 'v1'],
        [0.1, 'v1'],
        [0.2, 'v1'],
        [0.3, 'v2'],
        [0.3, 'v4'],
      ],
      ['v2', 'v3', 'v4', 'replaced', 'v5'],
    ],
    [
      'does not stretch the grace by retrying',
      XERO,
      [
        [0, 'v1'],
        [0.4, 'v1'],
        [0.5, 'v1'],
      ],
      ['v2', 'v3', 'replaced'],
    ],
    [
      'ends the grace of the value before the previous one',
      XERO,
      [
        [0, 'v1'],
        [0.1, 'v2'],
        [0.2, 'v1'],
        [0.2, 'v2'],
      ],
      ['v2', 'v3', 'replaced', 'v4'],
    ],
    [
      'dies when unused for the idle time',
      XERO,
      [
        [60 * 24 - 1, 'v1'],
        [2 * 60 * 24 - 1, 'v2'],
      ],
      ['v2', 'expired'],
    ],
    [
      'is kept alive by use',
      DAILY,
      [
        [99 * 24, 'v1'],
        [198 * 24, 'v2'],
        [297 * 24, 'v3'],
      ],
      ['v2', 'v3', 'v4'],
    ],
    [
      'counts idleness from the last use, not from the issue',
      DAILY,
      [
        [23, 'v1'],
        [23 + 2399, 'v1'],
      ],
      ['v1', 'v2'],
    ],
    [
      'ends at its hard limit however much it is used',
      { ...DAILY, hardMs: 50 * HOUR },
      [
        [25, 'v1'],
        [49, 'v2'],
        [50, 'v3'],
      ],
      ['v2', 'v3', 'expired'],
    ],
  ])('%s', ([, rules, uses, results]) => {
    expect(play(rules, uses)).toEqual(results);
  });
});
