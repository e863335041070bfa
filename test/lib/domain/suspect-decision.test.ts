import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { decideSuspect } from '../../../lib/domain/suspect-decision.ts';
import { apply } from '../../support/apply.ts';
import {
  DAY,
  HOUR,
  heldToken,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  T0,
  XERO_POLICY,
} from '../../support/grants.ts';

const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const leased = quickbooksGrant({ number: 8, attempt: lease });
const NOW = T0 + 2_000;

const rejection = { reason: 'invalid_grant', now: NOW, traceId: 'tid-9', policy: QUICKBOOKS_POLICY };

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

/** Given up at `since`, after probes of which the last was rejected at `lastAt`. */
const givenUp = (since: number, lastAt = since): Partial<LivingGrant> => ({
  ...leased,
  status: 'needs_reauth',
  reauth: { reason: 'user_revoked', since, probes: 4 },
  rejections: { count: 7, firstAt: since - 20 * MINUTE, lastAt },
});

test.for([
  ['before the first probe is due', 0, HOUR],
  ['after the first hour', HOUR, 6 * HOUR],
  ['after six hours', 6 * HOUR + 1, DAY],
  ['after a day', DAY, 2 * DAY],
  ['after six days', 6 * DAY + HOUR, 7 * DAY],
  ['after a week', 7 * DAY + MINUTE, 21 * DAY + MINUTE],
  ['a moment before a probe was due', HOUR - 1, HOUR + MINUTE - 1],
] as const)('a grant that was given up stays so and is probed again: %s', async ([, sinceThen, dueMs]) => {
  const since = NOW - sinceThen;
  const image = quickbooksGrant(givenUp(since));
  const after = await apply(image, decideSuspect(image, lease, rejection));
  expect(after.grant).toMatchObject({
    status: 'needs_reauth',
    reauth: { reason: 'user_revoked', since, probes: 5 },
    rejections: { count: 8, firstAt: since - 20 * MINUTE, lastAt: NOW },
    notBefore: since + dueMs,
    dueAt: since + dueMs,
    duePartition: 'quickbooks#05',
  });
});

test('one that serves nobody is due again when its duties may be abandoned, before its next probe', async () => {
  const { orgs: _, ...grant } = quickbooksGrant({
    ...givenUp(NOW - DAY),
    detach: { c1: { tenantId: 't1', since: T0 } },
    refreshExpiresAt: NOW + HOUR + MINUTE,
  });
  const after = await apply(grant, decideSuspect(grant, lease, rejection));
  expect(after.grant).toMatchObject({ notBefore: NOW + DAY, dueAt: NOW + HOUR + MINUTE });
});

/** Minutes after the first rejection, and how long until the next try. */
test.for([
  [1, 0, 60_000],
  [2, 2, 120_000],
  [3, 5, 240_000],
  [4, 9, 300_000],
  [5, 11, 240_000],
  [5, 14.5, 60_000],
  // Its attempt began before the moment from which it may be given up.
  [6, 15, 60_000],
  [6, 16, 300_000],
  [9, 60, 300_000],
] as const)('after rejection %i, %d minutes on, the next try is in time for a verdict', ([count, minutes, waitMs]) => {
  const firstAt = NOW - minutes * MINUTE;
  const rejections = { count: count - 1, firstAt, lastAt: firstAt };
  const image = quickbooksGrant({ ...leased, status: 'suspect', ...(count === 1 ? {} : { rejections }) });
  const { writes } = decideSuspect(image, lease, rejection);
  expect(writes[0]).toMatchObject({ set: { notBefore: NOW + waitMs, dueAt: NOW + waitMs } });
});

test.for([
  ['several tries are made before a grace for a lost answer ends', NOW - 26 * MINUTE, 120_000],
  ['but never within a minute', NOW - 29.5 * MINUTE, 60_000],
  ['a grace that is over asks for nothing', NOW - 30 * MINUTE, 300_000],
] as const)('%s', ([, unansweredSince, waitMs]) => {
  const rejections = { count: 8, firstAt: NOW - HOUR, lastAt: NOW - HOUR };
  const image = quickbooksGrant({ ...leased, status: 'suspect', rejections, unansweredSince });
  const { writes } = decideSuspect(image, lease, { ...rejection, policy: XERO_POLICY });
  expect(writes[0]).toMatchObject({ set: { notBefore: NOW + waitMs } });
});

const four = Object.fromEntries([1, 2, 3, 4].map((n) => [`h${n}`, heldToken(`h${n}`, n, 'late', T0)]));
const { h1: _h1, ...three } = four;

test('a rejection is no verdict once a token has arrived in the place of another', async () => {
  const read = quickbooksGrant({ ...leased, held: four });
  const image = quickbooksGrant({ ...leased, held: { ...three, h5: heldToken('h5', 5, 'late', T0) } });
  expect((await apply(image, decideSuspect(read, lease, rejection))).committed).toBe(false);
});

test.for([
  ['a token has arrived that was not tried', { held: { late: heldToken('late', 6, 'late', T0) } }],
  ['a newer token is current', { tokenVersion: 9 }],
  ['the grant was authorised anew', { generation: 'gen-2' }],
  ['another attempt runs', { attempt: { ...lease, id: 'attempt-9' } }],
  ['the attempt has ended otherwise', { attempt: { ...lease, outcome: 'REJECTED' } }],
  ['the grant was given up', { status: 'needs_reauth' }],
] as const)('a rejection is no verdict once %s', async ([, meanwhile]) => {
  const image = quickbooksGrant({ ...leased, ...(meanwhile as object) });
  const after = await apply(image, decideSuspect(leased, lease, rejection));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});
