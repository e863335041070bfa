import { expect, test } from 'vitest';
import type { Grant } from '../../../lib/domain/grant.ts';
import { nextAction } from '../../../lib/domain/next-action.ts';
import { nextDue } from '../../../lib/domain/next-due.ts';
import { DAY, HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksGrant, T0 } from '../../support/grants.ts';

const detach = { c1: { tenantId: 't1', since: T0 } };
const running = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const nobody = (grant: Grant, unservedSince: number): Grant => {
  const { orgs: _, ...rest } = grant;
  return { ...rest, unservedSince } as Grant;
};

const crashed = { ...running, startedAt: T0 - 200_000, until: T0 - 75_000 };
const QUIET = { access: { ...quickbooksGrant().access, obtainedAt: T0, expiresAt: T0 + HOUR }, lastUsedAt: T0 };

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
  expect(action(quickbooksGrant({ status: 'suspect' }))).toBe('close');
});

test.for(CASES)('%s is due exactly when there is something to do', ([, grant, now]) => {
  const due = nextDue(grant as never, QUICKBOOKS_POLICY, now);
  const idle = nextAction(grant, QUICKBOOKS_POLICY, now).action === 'none';
  expect(due === undefined || due > now).toBe(idle);
});
