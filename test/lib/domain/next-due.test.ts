import { expect, test } from 'vitest';
import { graceEndsAt, nextDue, refreshDueAt } from '../../../lib/domain/next-due.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

/** The spread makes 30 minutes ahead of 13:00 anything from 12:30 to 12:36. */
test('a grant in use is due between 24 and 30 minutes before its token expires', () => {
  const due = nextDue(quickbooksGrant({ lastUsedAt: T0 }), QUICKBOOKS_POLICY, T0 + MINUTE);
  expect(due).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
  expect(due).toBeLessThanOrEqual(T0 + 36 * MINUTE);
});

test('the spread is the same for the same grant and version, and differs between grants', () => {
  const due = (pk: `quickbooks#${string}`, tokenVersion: number) =>
    refreshDueAt(quickbooksGrant({ pk, tokenVersion, lastUsedAt: T0 }), QUICKBOOKS_POLICY, T0);
  expect(due('quickbooks#1', 7)).toBe(due('quickbooks#1', 7));
  const spread = new Set(['1', '2', '3', '4', '5', '6', '7', '8'].map((id) => due(`quickbooks#${id}`, 7)));
  expect(spread.size).toBe(8);
});

test('a short-lived token is not refreshed before half its life', () => {
  const due = nextDue(xeroGrant({ lastUsedAt: T0 }), XERO_POLICY, T0 + 1_000);
  expect(due).toBeGreaterThanOrEqual(T0 + 15 * MINUTE);
  expect(due).toBeLessThanOrEqual(T0 + 18 * MINUTE);
});

test('a grant nobody asked for in 24 hours is only kept alive, every 12.6 to 14 days', () => {
  const due = nextDue(quickbooksGrant({ lastUsedAt: T0 - DAY }), QUICKBOOKS_POLICY, T0);
  expect(due).toBeGreaterThan(T0 + 12.6 * DAY - 1);
  expect(due).toBeLessThanOrEqual(T0 + 14 * DAY);
});

const DUTY = { c1: { tenantId: 't1', since: T0 } };
const DEAD = { ...quickbooksGrant().access, expiresAt: T0 };
const UNHEARD = {
  number: 8,
  id: 'a8',
  kind: 'refresh',
  startedAt: T0 - 9,
  until: T0 - 9,
  outcome: 'THROTTLED',
} as const;
const UNSERVED = { orgs: undefined, unservedSince: T0 - DAY };
/** Probed an hour later, without success. */
const givenUpSince = (since: number) =>
  ({
    status: 'needs_reauth',
    reauth: { reason: 'unknown', since, probes: 1 },
    rejections: { count: 4, firstAt: since - HOUR, lastAt: since + HOUR },
    lastRefreshedAt: T0 - 99 * DAY,
  }) as const;
const GIVEN_UP = givenUpSince(T0);

test.for([
  ['a closed grant is never due', { status: 'closed' }, undefined],
  ['a closing grant is due at once', { status: 'closing' }, T0],
  ['a duty is due at once', { detach: { c1: { tenantId: 't1', since: T0 } } }, T0],
  [
    'a duty that was put off is due when it may be tried',
    { detach: { c1: { tenantId: 't1', since: T0 } }, notBefore: T0 + 9_000 },
    T0 + 9_000,
  ],
  ['a suspect is due when it may be tried again', { status: 'suspect', notBefore: T0 + 60_000 }, T0 + 60_000],
  ['a grant that serves nobody is due ten minutes later', { orgs: undefined, unservedSince: T0 }, T0 + 10 * MINUTE],
  ['companies are looked up when they say so', { tenantCheckAt: T0 + 2 * MINUTE }, T0 + 2 * MINUTE],
  [
    'a running attempt is due when its lease ends, whatever else is',
    {
      detach: { c1: { tenantId: 't1', since: T0 } },
      attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 },
    },
    T0 + 125_000,
  ],
  [
    'a lease kept for the provider’s sake holds everything back',
    {
      status: 'suspect',
      attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 15_000, outcome: 'UNKNOWN' },
    },
    T0 + 15_000,
  ],
  ['a lost answer is asked for again at once', { unansweredSince: T0 - 9 }, T0],
  ['… or when it may be', { unansweredSince: T0 - 9, notBefore: T0 + 5 }, T0 + 5],
  [
    'a warning waits for no provider',
    { notBefore: T0 + DAY, hardExpiresAt: T0 + 7 * DAY + HOUR, warned: { hard: 30 } },
    T0 + HOUR,
  ],
  [
    'a suspect that serves nobody is closed whatever it has to wait for',
    { status: 'suspect', orgs: undefined, unservedSince: T0 - MINUTE, notBefore: T0 + HOUR },
    T0 + 9 * MINUTE,
  ],
  ['a grant that was given up is due for its next probe', GIVEN_UP, T0 + 6 * HOUR],
  ['… also for a duty, when no access token is left', { ...GIVEN_UP, detach: DUTY, access: DEAD }, T0 + 6 * HOUR],
  [
    '… also where nothing says how long to wait',
    { ...GIVEN_UP, attempt: { ...UNHEARD, outcome: 'REJECTED' } },
    T0 + 6 * HOUR,
  ],
  ['… but at once while there is one', { ...GIVEN_UP, detach: DUTY }, T0],
  ['… and no company is looked up', { ...GIVEN_UP, tenantCheckAt: T0 }, T0 + 6 * HOUR],
  ['a probe that nobody answered is repeated', { ...GIVEN_UP, notBefore: T0 + 5, attempt: UNHEARD }, T0 + 5],
  [
    'one that serves nobody abandons its duties after a week',
    { ...givenUpSince(T0 - 6 * DAY), ...UNSERVED, detach: DUTY, access: DEAD, notBefore: T0 + 14 * DAY },
    T0 + DAY,
  ],
  [
    '… or when its refresh token has expired',
    { ...GIVEN_UP, ...UNSERVED, detach: DUTY, access: DEAD, refreshExpiresAt: T0 + HOUR },
    T0 + HOUR,
  ],
  ['one that serves nobody and owes nothing is closed', { ...GIVEN_UP, ...UNSERVED }, T0],
] as const)('%s', ([, changes, due]) => {
  const { orgs, ...grant } = { ...quickbooksGrant(), ...changes };
  const facts = orgs === undefined ? grant : { ...grant, orgs };
  expect(nextDue(facts as never, QUICKBOOKS_POLICY, T0)).toBe(due);
});

test('a grant whose token has expired while in use is overdue', () => {
  const grant = quickbooksGrant({ lastUsedAt: T0 + 2 * HOUR });
  expect(nextDue(grant, QUICKBOOKS_POLICY, T0 + 2 * HOUR)).toBeLessThan(T0 + HOUR);
});

test.for([
  ['no answer is missing', {}, 1800, undefined],
  ['the provider knows no grace', { unansweredSince: T0 }, 0, undefined],
  ['an answer was lost', { unansweredSince: T0 }, 1800, T0 + 30 * MINUTE],
] as const)('the end of the grace where %s', ([, grant, graceSeconds, end]) => {
  expect(graceEndsAt(grant, graceSeconds)).toBe(end);
});
