import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import { nextAction } from '../../../lib/domain/next-action.ts';
import { nextDue } from '../../../lib/domain/next-due.ts';
import { DAY, HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksGrant, T0 } from '../../support/grants.ts';

const detach = { c1: { tenantId: 't1', since: T0 } };
const running = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const nobody = (grant: Grant, unservedSince: number): Grant => {
  const { orgs: _, ...rest } = grant;
  return { ...rest, unservedSince } as Grant;
};

const DETACHED = { ...running, kind: 'detach', until: T0, outcome: 'UNKNOWN' } as const;
/** Minutes after it was obtained. */
const refusedAt = (minutes: number) =>
  ({ outcome: 'UNKNOWN', reason: 'detach_unauthorized', at: T0 + minutes * MINUTE, consecutive: 1 }) as const;
const crashed = { ...running, startedAt: T0 - 200_000, until: T0 - 75_000 };
const QUIET = { access: { ...quickbooksGrant().access, obtainedAt: T0, expiresAt: T0 + HOUR }, lastUsedAt: T0 };

const LIVE = { ...quickbooksGrant().access, expiresAt: T0 + HOUR };
/** At T0. */
const givenUp = (changes: Partial<LivingGrant> = {}) =>
  quickbooksGrant({
    status: 'needs_reauth',
    access: { ...LIVE, expiresAt: T0 - HOUR },
    reauth: { reason: 'unknown', since: T0, probes: 0 },
    rejections: { count: 3, firstAt: T0 - HOUR, lastAt: T0 },
    ...changes,
  });

const CASES: readonly (readonly [string, Grant, number, string])[] = [
  ['a closed grant', { ...quickbooksGrant(), status: 'closed' }, T0, 'not_due'],
  ['a closing grant', { ...quickbooksGrant(), status: 'closing' }, T0, 'revoke'],
  ['a leased grant', quickbooksGrant({ attempt: running, detach }), T0 + MINUTE, 'leased'],
  ['a grant that has to wait', quickbooksGrant({ notBefore: T0 + 1, detach }), T0, 'backing_off'],
  ['a duty with a live access token', quickbooksGrant({ detach }), T0, 'detach'],
  ['a duty with an expired one', quickbooksGrant({ detach }), T0 + 2 * HOUR, 'refresh'],
  ['a grant unserved for ten minutes', nobody(quickbooksGrant(), T0), T0 + 10 * MINUTE, 'close'],
  ['a grant unserved for less', nobody(quickbooksGrant(), T0), T0 + 9 * MINUTE, 'not_due'],
  ['a suspect whose wait is over', quickbooksGrant({ status: 'suspect' }), T0, 'refresh'],
  ['a grant in use 24 minutes before expiry', quickbooksGrant({ lastUsedAt: T0 }), T0 + 36 * MINUTE, 'refresh'],
  ['a grant in use 31 minutes before expiry', quickbooksGrant({ lastUsedAt: T0 }), T0 + 29 * MINUTE, 'not_due'],
  ['a grant nobody uses', quickbooksGrant(), T0 + 2 * HOUR, 'not_due'],
  ['a grant not refreshed for 14 days', quickbooksGrant(), T0 + 14 * DAY, 'refresh'],
  ['companies to be looked up', quickbooksGrant({ tenantCheckAt: T0 + 2 * MINUTE }), T0 + 2 * MINUTE, 'check_tenants'],
  ['a refresh that died early in a token’s life', quickbooksGrant({ ...QUIET, attempt: crashed }), T0, 'refresh'],
  [
    'a refresh that failed early in a token’s life',
    quickbooksGrant({ ...QUIET, attempt: { ...crashed, outcome: 'UNKNOWN' } }),
    T0,
    'refresh',
  ],
  ['a refresh that died in doubt', quickbooksGrant({ ...QUIET, doubts: { 8: T0 } }), T0, 'refresh'],
  ['a detach that died', quickbooksGrant({ attempt: { ...crashed, kind: 'detach' } }), T0, 'not_due'],
  [
    'a refresh that died before the authorisation',
    quickbooksGrant({ ...QUIET, attempt: crashed, tokenVersion: 9, number: 9 }),
    T0,
    'not_due',
  ],
  [
    'companies to be looked up with an expired token',
    quickbooksGrant({ tenantCheckAt: T0 + HOUR }),
    T0 + HOUR,
    'refresh',
  ],
  ['a lost answer', quickbooksGrant({ ...QUIET, unansweredSince: T0 - 9 }), T0, 'refresh'],
  [
    'a lost answer while the circuit has to wait',
    quickbooksGrant({ unansweredSince: 1, notBefore: T0 + 1 }),
    T0,
    'backing_off',
  ],
  ['a duty after a lost answer', quickbooksGrant({ detach, unansweredSince: T0 - 9 }), T0, 'detach'],
  ['… that has failed once', quickbooksGrant({ detach, unansweredSince: T0 - 9, attempt: DETACHED }), T0, 'refresh'],
  ['a duty of a suspect', quickbooksGrant({ detach, status: 'suspect' }), T0, 'detach'],
  ['… that has failed once as well', quickbooksGrant({ detach, status: 'suspect', attempt: DETACHED }), T0, 'refresh'],
  ['a duty that has failed on a sound grant', quickbooksGrant({ detach, attempt: DETACHED }), T0, 'detach'],
  [
    'a duty whose access token was refused',
    quickbooksGrant({ detach, failure: refusedAt(10) }),
    T0 + HOUR / 2,
    'refresh',
  ],
  ['… within ten minutes', quickbooksGrant({ detach, failure: refusedAt(9) }), T0 + HOUR / 2, 'detach'],
  ['a warning', quickbooksGrant({ hardExpiresAt: T0 + 30 * DAY }), T0, 'warn'],
  ['a warning while it backs off', quickbooksGrant({ hardExpiresAt: T0 + 30 * DAY, notBefore: T0 + 9 }), T0, 'warn'],
  ['a warning while it is leased', quickbooksGrant({ hardExpiresAt: T0 + 30 * DAY, attempt: running }), T0, 'leased'],
  ['a warning that was given', quickbooksGrant({ hardExpiresAt: T0 + 30 * DAY, warned: { hard: 30 } }), T0, 'not_due'],
  ['a grant that was given up, before its probe', givenUp(), T0 + HOUR - 1, 'not_due'],
  ['a grant that was given up, at its probe', givenUp(), T0 + HOUR, 'refresh'],
  ['a duty of one that was given up, with a live access token', givenUp({ detach, access: LIVE }), T0 + 9, 'detach'],
  ['a duty of one that was given up, without', givenUp({ detach }), T0 + 9, 'not_due'],
  ['companies of one that was given up', givenUp({ tenantCheckAt: 1 }), T0 + 9, 'not_due'],
  ['a given up grant that serves nobody', nobody(givenUp(), T0 - DAY), T0 + 9, 'close'],
  ['… but has a duty', nobody(givenUp({ detach }), T0 - DAY), T0 + 9, 'not_due'],
  ['… that it has had for too long', nobody(givenUp({ detach }), T0 - DAY), T0 + 7 * DAY, 'abandon'],
  [
    'a suspect that serves nobody and has to wait',
    nobody(quickbooksGrant({ status: 'suspect', notBefore: T0 + 9 }), 1),
    T0,
    'close',
  ],
];

test.for(CASES)('%s', ([, grant, now, expected]) => {
  const next = nextAction(grant, QUICKBOOKS_POLICY, now);
  expect(next.action === 'none' ? next.why : next.action).toBe(expected);
});

test('before a provider that is told company by company is left, a live token is needed, if there can be one', () => {
  const policy = { ...QUICKBOOKS_POLICY, detaches: true };
  const action = (grant: Grant) => nextAction(nobody(grant, T0), policy, T0 + 2 * HOUR).action;
  expect(action(quickbooksGrant())).toBe('refresh');
  expect(action(quickbooksGrant({ access: { ...quickbooksGrant().access, expiresAt: T0 + 3 * HOUR } }))).toBe('close');
  expect(action(quickbooksGrant({ status: 'suspect' }))).toBe('refresh');
  expect(action(givenUp())).toBe('close');
});

test.for(CASES)('%s is due exactly when there is something to do', ([, grant, now]) => {
  const due = nextDue(grant as never, QUICKBOOKS_POLICY, now);
  const idle = nextAction(grant, QUICKBOOKS_POLICY, now).action === 'none';
  expect(due === undefined || due > now).toBe(idle);
});

const instant = (earliest: number, latest: number) => fc.integer({ min: T0 + earliest, max: T0 + latest });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const OUTCOMES = ['OK', 'NOT_SENT', 'UNKNOWN', 'REJECTED', 'CONFIG', 'THROTTLED', undefined] as const;

/** Grants in every state, however they may have come there; T0 is now. */
const grants = fc
  .record({
    status: fc.constantFrom('active', 'suspect', 'needs_reauth', 'closing'),
    orgs: maybe(fc.constant(new Set(['acme']))),
    unservedSince: instant(-HOUR, 0),
    expiresAt: instant(-HOUR, HOUR),
    notBefore: maybe(instant(-HOUR, HOUR)),
    attempt: fc.record({
      kind: fc.constantFrom('refresh', 'detach'),
      number: fc.constantFrom(7, 8),
      until: instant(-HOUR, 100_000),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
    doubts: fc.constantFrom({}, { 6: T0 - HOUR }),
    unansweredSince: maybe(instant(-HOUR, 0)),
    detach: fc.constantFrom({}, detach),
    rejections: fc.record({ count: fc.constant(3), firstAt: instant(-9 * DAY, -8 * DAY), lastAt: instant(-DAY, 0) }),
    since: instant(-8 * DAY, -2 * HOUR),
    warned: maybe(fc.constantFrom({ hard: 90 }, { hard: 7 }, { idle: 30 })),
    refreshExpiresAt: instant(-DAY, 40 * DAY),
    hardExpiresAt: maybe(instant(-DAY, 100 * DAY)),
    lastUsedAt: maybe(instant(-2 * DAY, 0)),
    lastRefreshedAt: instant(-30 * DAY, 0),
    tenantCheckAt: maybe(instant(-HOUR, HOUR)),
    failure: maybe(fc.constant(refusedAt(0))),
  })
  .map(({ expiresAt, attempt, since, ...grant }) => {
    const { outcome, ...running } = attempt;
    const item = {
      ...quickbooksGrant(),
      ...grant,
      access: { ...LIVE, obtainedAt: expiresAt - HOUR, expiresAt },
      attempt: { ...running, id: 'a', startedAt: T0 - HOUR, ...(outcome === undefined ? {} : { outcome }) },
      ...(grant.status === 'needs_reauth' ? { reauth: { reason: 'unknown', since, probes: 2 } } : {}),
    };
    return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as unknown as Grant;
  });

test.for([QUICKBOOKS_POLICY, { ...QUICKBOOKS_POLICY, detaches: true }])(
  'whatever state a grant is in, it is due now exactly when there is something to do, and always some day',
  (policy) => {
    fc.assert(
      fc.property(grants, (grant) => {
        const due = nextDue(grant as never, policy, T0);
        const next = nextAction(grant, policy, T0);
        expect(due).toBeLessThanOrEqual(T0 + 100 * DAY);
        // A lease that has just run out is left alone for as long as clocks may differ.
        const isOver = next.action === 'none' && next.why === 'leased' && (grant.attempt?.until ?? 0) <= T0;
        if (!isOver) expect(due !== undefined && due > T0).toBe(next.action === 'none');
      }),
      { numRuns: 3_000 },
    );
  },
);
