import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { dueWarnings, isExpiring, nextWarningAt } from '../../../lib/domain/warnings.ts';
import { DAY, quickbooksGrant, T0 } from '../../support/grants.ts';

/** An idle life of 100 days: 90 days before its end is every day. */
const IDLE = { lastRefreshedAt: T0, refreshExpiresAt: T0 + 100 * DAY };
const HARD = { hardExpiresAt: T0 + 100 * DAY };

test.for([
  ['no end', {}, undefined],
  ['an idle end', IDLE, 70],
  ['an idle life of 60 days', { lastRefreshedAt: T0, refreshExpiresAt: T0 + 60 * DAY }, 30],
  ['an idle life of 59 days', { lastRefreshedAt: T0, refreshExpiresAt: T0 + 59 * DAY }, 52],
  ['an idle life of 13 days', { lastRefreshedAt: T0, refreshExpiresAt: T0 + 13 * DAY }, undefined],
  ['a hard end', HARD, 10],
  ['both', { ...IDLE, ...HARD }, 10],
  ['a hard end after its first warning', { ...HARD, warned: { hard: 90 } }, 70],
  ['a hard end after its second', { ...HARD, warned: { hard: 30 } }, 93],
  ['a hard end after its last', { ...HARD, warned: { hard: 7 } }, undefined],
  ['both, the hard one warned of', { ...IDLE, ...HARD, warned: { hard: 7 } }, 70],
  ['a suspect', { ...HARD, status: 'suspect' }, 10],
  ['a grant that was given up', { ...HARD, status: 'needs_reauth' }, undefined],
] as const)('of %s the next warning comes on day %j', ([, changes, day]) => {
  const at = nextWarningAt(quickbooksGrant(changes as Partial<LivingGrant>));
  expect(at).toBe(day === undefined ? undefined : T0 + day * DAY);
});

test.for([
  ['before the first', HARD, 10 * DAY - 1, []],
  ['at the first', HARD, 10 * DAY, [{ clock: 'hard', days: 90 }]],
  ['once it was given', { ...HARD, warned: { hard: 90 } }, 10 * DAY, []],
  ['after several were missed, the most urgent alone', HARD, 95 * DAY, [{ clock: 'hard', days: 7 }]],
  ['after the end', HARD, 200 * DAY, [{ clock: 'hard', days: 7 }]],
  [
    'of both clocks',
    { ...IDLE, ...HARD, warned: { hard: 90 } },
    70 * DAY,
    [
      { clock: 'idle', days: 30 },
      { clock: 'hard', days: 30 },
    ],
  ],
  ['of a level that is everyday life', IDLE, 11 * DAY, []],
  ['of a grant that was given up', { ...HARD, status: 'needs_reauth' }, 99 * DAY, []],
] as const)('warnings %s', ([, changes, passedMs, warnings]) => {
  expect(dueWarnings(quickbooksGrant(changes as Partial<LivingGrant>), T0 + passedMs)).toEqual(warnings);
});

test.for([
  [HARD, 69, false],
  [HARD, 70, true],
  [{ ...HARD, warned: { hard: 7 } }, 94, true],
  [IDLE, 69, false],
  [IDLE, 70, true],
  [{ lastRefreshedAt: T0, refreshExpiresAt: T0 + 31 * DAY }, 23, false],
  [{ lastRefreshedAt: T0, refreshExpiresAt: T0 + 31 * DAY }, 24, true],
] as const)('%o is expiring on day %i: %s', ([changes, day, expiring]) => {
  expect(isExpiring(quickbooksGrant(changes), T0 + day * DAY)).toBe(expiring);
});
