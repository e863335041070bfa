import { expect, test } from 'vitest';
import { decideReport } from '../../../lib/domain/report-decision.ts';
import { apply } from '../../support/apply.ts';
import { HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksGrant, T0, XERO_POLICY } from '../../support/grants.ts';

const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const leased = quickbooksGrant({ number: 8, attempt: lease });
const NOW = T0 + 2_000;
const base = { reason: 'because', now: NOW, random: 0.5, policy: QUICKBOOKS_POLICY } as const;

test.for([
  ['NOT_SENT', {}, NOW, NOW + 1_000, NOW + 1_000],
  ['CONFIG', {}, NOW, NOW + 1_000, NOW + 1_000],
  ['THROTTLED', { retryAfterSeconds: 60 }, NOW, NOW + 60_000, NOW + 60_000],
  ['UNKNOWN', { answer: 'complete' }, NOW + 15_000, NOW + 1_000, NOW + 15_000],
  ['UNKNOWN', { answer: 'cut' }, T0 + 125_000, NOW + 1_000, T0 + 125_000],
] as const)(
  '%s %o ends the lease, sets the wait and the due date, and no status',
  async ([outcome, more, until, notBefore, dueAt]) => {
    const after = await apply(leased, decideReport(leased, lease, { ...base, outcome, ...more }));
    expect(after.grant).toEqual({
      ...leased,
      attempt: { ...lease, outcome, until },
      notBefore,
      dueAt,
      ...(outcome === 'UNKNOWN' ? { unansweredSince: T0 } : {}),
      duePartition: outcome === 'UNKNOWN' ? 'quickbooks#recovery#01' : 'quickbooks#05',
      failure: { outcome, reason: 'because', at: NOW, consecutive: 1 },
      failedRefreshCount: 1,
    });
    expect(after.audit).toEqual([
      {
        v: 1,
        pk: 'GRANT#quickbooks#9341453',
        sk: `2026-11-20T12:00:00.000Z#attempt-8#attempt.${outcome.toLowerCase()}`,
        event: `attempt.${outcome.toLowerCase()}`,
        provider: 'quickbooks',
        at: NOW,
        startedAt: T0,
        durationMs: 2_000,
        number: 8,
        outcome,
        reason: 'because',
        retry: 0,
        ttl: 1_829_390_402,
      },
    ]);
  },
);

test('each failure in a row waits longer', () => {
  const failing = quickbooksGrant({
    attempt: lease,
    failure: { outcome: 'CONFIG', reason: 'x', at: T0, consecutive: 4 },
  });
  const { writes } = decideReport(failing, lease, { ...base, outcome: 'CONFIG' });
  expect(writes[0]).toMatchObject({ set: { notBefore: NOW + 16_000, failure: { consecutive: 5 } } });
});

test.for([
  ['taken over', { attempt: { ...lease, id: 'attempt-9' } }],
  ['authorised anew', { generation: 'gen-2' }],
  ['made suspect by a late token', { status: 'suspect' }],
  ['reported already', { attempt: { ...lease, outcome: 'CONFIG' } }],
] as const)('a report on a grant that was %s changes nothing', async ([, meanwhile]) => {
  const image = quickbooksGrant({ ...leased, ...(meanwhile as object) });
  const after = await apply(image, decideReport(leased, lease, { ...base, outcome: 'UNKNOWN' }));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('the configured backoff is kept to', () => {
  const policy = { ...QUICKBOOKS_POLICY, backoff: { baseMs: 10, capMs: 100 } };
  const waits = [1, 2, 3, 4, 5].map((consecutive) => {
    const failing = quickbooksGrant({
      attempt: lease,
      failure: { outcome: 'CONFIG', reason: 'x', at: T0, consecutive },
    });
    const { writes } = decideReport(failing, lease, { ...base, policy, outcome: 'CONFIG' });
    return writes[0] !== undefined && 'set' in writes[0] ? (writes[0].set as { notBefore: number }).notBefore - NOW : 0;
  });
  expect(waits).toEqual([20, 40, 50, 50, 50]);
});

test.for([
  ['a detach that was not answered', { ...lease, kind: 'detach' }, {}, undefined],
  ['a refresh before the newest token', lease, { tokenVersion: 9 }, undefined],
  ['a second lost answer', lease, { unansweredSince: T0 - HOUR }, T0 - HOUR],
] as const)('the grace does not begin with %s', async ([, attempt, changes, since]) => {
  const image = quickbooksGrant({ ...leased, attempt, ...changes });
  const after = await apply(image, decideReport(image, attempt, { ...base, outcome: 'UNKNOWN', answer: 'complete' }));
  expect(after.grant.unansweredSince).toBe(since);
});

/** With a grace of half an hour; NOW is two seconds after T0. */
test.for([
  ['a Retry-After is cut to half of what is left', 'THROTTLED', { unansweredSince: NOW - 20 * MINUTE }, 3600, 300_000],
  ['a shorter one is honoured', 'THROTTLED', { unansweredSince: NOW - 20 * MINUTE }, 60, 60_000],
  ['the last seconds leave one try per second', 'THROTTLED', { unansweredSince: NOW - 1_799_000 }, 60, 1_000],
  ['a grace that is over asks for nothing', 'THROTTLED', { unansweredSince: NOW - 30 * MINUTE }, 3600, 3_600_000],
  ['without a lost answer there is no hurry', 'THROTTLED', {}, 3600, 3_600_000],
  ['this very answer counts', 'UNKNOWN', {}, 3600, 899_000],
] as const)('while a grace runs: %s', ([, outcome, changes, retryAfterSeconds, waitMs]) => {
  const image = quickbooksGrant({ ...leased, ...changes });
  const report = { ...base, outcome, retryAfterSeconds, policy: XERO_POLICY, answer: 'complete' } as const;
  expect(decideReport(image, lease, report).writes[0]).toMatchObject({ set: { notBefore: NOW + waitMs } });
});

test.for([
  ['needs_reauth', { reauth: { reason: 'unknown', since: T0, probes: 1 } }, HOUR],
  ['suspect', {}, 0],
] as const)(
  'a refresh of a grant that is %s is tried again at its time when nobody answered',
  ([status, more, leastMs]) => {
    const image = quickbooksGrant({ ...leased, ...more, status });
    const report = { ...base, outcome: 'NOT_SENT', random: 0 } as const;
    expect(decideReport(image, lease, report).writes[0]).toMatchObject({ set: { notBefore: NOW + leastMs } });
  },
);
