import { expect, test } from 'vitest';
import { decideReport } from '../../../lib/domain/report-decision.ts';
import { decideSuspect } from '../../../lib/domain/suspect-decision.ts';
import { apply } from '../../support/apply.ts';
import { heldToken, quickbooksGrant, T0 } from '../../support/grants.ts';

const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const leased = quickbooksGrant({ number: 8, attempt: lease });
const NOW = T0 + 2_000;
const base = { reason: 'because', now: NOW, random: 0.5 } as const;

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
] as const)('a report on a grant that was %s changes nothing', async ([, meanwhile]) => {
  const image = quickbooksGrant({ ...leased, ...(meanwhile as object) });
  const after = await apply(image, decideReport(leased, lease, { ...base, outcome: 'UNKNOWN' }));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

const rejection = { reason: 'invalid_grant', now: NOW, traceId: 'tid-9' };

test('a rejection makes the grant suspect, keeps every token and waits at least a minute', async () => {
  const image = quickbooksGrant({ ...leased, held: { late: heldToken('late', 6, 'late', T0) } });
  const after = await apply(image, decideSuspect(image, lease, rejection));
  expect(after.grant).toEqual({
    ...image,
    status: 'suspect',
    rejections: { count: 1, firstAt: NOW, lastAt: NOW },
    attempt: { ...lease, outcome: 'REJECTED', until: NOW },
    notBefore: NOW + 60_000,
    dueAt: NOW + 60_000,
    duePartition: 'quickbooks#suspect#01',
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: NOW, consecutive: 1 },
    failedRefreshCount: 1,
  });
  expect(after.audit.map(({ event, providerTraceId, retry }) => ({ event, providerTraceId, retry }))).toEqual([
    { event: 'attempt.rejected', providerTraceId: 'tid-9', retry: 0 },
  ]);
});

test('a second rejection keeps when the first was and waits twice as long', async () => {
  const image = quickbooksGrant({
    ...leased,
    status: 'suspect',
    rejections: { count: 1, firstAt: T0 - 9, lastAt: T0 - 9 },
  });
  const after = await apply(image, decideSuspect(image, lease, rejection));
  expect(after.grant.rejections).toEqual({ count: 2, firstAt: T0 - 9, lastAt: NOW });
  expect(after.grant.notBefore).toBe(NOW + 120_000);
});

test('a grant that was given up stays given up when a probe is rejected', async () => {
  const image = quickbooksGrant({ ...leased, status: 'needs_reauth' });
  const after = await apply(image, decideSuspect(image, lease, rejection));
  expect(after.grant).toMatchObject({ status: 'needs_reauth', duePartition: 'quickbooks#05', dueAt: NOW + 60_000 });
});

test.for([
  ['a token has arrived that was not tried', { held: { late: heldToken('late', 6, 'late', T0) } }],
  ['a newer token is current', { tokenVersion: 9 }],
  ['the grant was authorised anew', { generation: 'gen-2' }],
  ['another attempt runs', { attempt: { ...lease, id: 'attempt-9' } }],
] as const)('a rejection is no verdict once %s', async ([, meanwhile]) => {
  const image = quickbooksGrant({ ...leased, ...(meanwhile as object) });
  const after = await apply(image, decideSuspect(leased, lease, rejection));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});
