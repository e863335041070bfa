import { expect, test } from 'vitest';
import { type CommitPolicy, decideCommit, type Issued } from '../../../lib/domain/commit-decision.ts';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import { type Applied, apply } from '../../support/apply.ts';
import {
  accessToken,
  HOUR,
  heldToken,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  refreshToken,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

const SENT = T0 + HOUR;
const NOW = SENT + 400;
const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: SENT - 100, until: SENT + 124_900 } as const;

const leased = (changes: Partial<LivingGrant> = {}) =>
  quickbooksGrant({ number: 8, attempt: lease, lastUsedAt: T0, ...changes });

const issued: Issued = {
  grant: 'quickbooks#9341453',
  generation: 'gen-1',
  number: 8,
  attemptId: 'attempt-8',
  startedAt: SENT - 100,
  tokenVersion: 7,
  spentId: 'attempt-7',
  seenHeld: [],
  access: accessToken('attempt-8', SENT),
  refresh: refreshToken('attempt-8', 8),
  refreshExpiresAt: SENT + 8_726_400_000,
  traceId: 'tid-1',
};

async function store(
  image: Grant,
  tokens: Issued = issued,
  policy: CommitPolicy = QUICKBOOKS_POLICY,
): Promise<{ readonly as: string } & Partial<Applied>> {
  const decision = decideCommit(image, tokens, policy, NOW);
  if (decision.kind === 'stored') return { as: 'stored' };
  return { as: decision.as, ...(await apply(image, decision.transaction)) };
}

test('a commit replaces the tokens, clears what was doubted and lets the lease go', async () => {
  const image = leased({
    status: 'suspect',
    held: { late: heldToken('late', 6, 'late', T0) },
    doubts: { 6: T0 },
    rejections: { count: 2, firstAt: T0, lastAt: T0 },
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: T0, consecutive: 2 },
    notBefore: T0 + 1,
    unansweredSince: T0,
    warned: { idle: 30 },
    duePartition: 'quickbooks#suspect#01',
  });
  const { rejections: _r, failure: _f, notBefore: _n, unansweredSince: _u, warned: _w, ...rest } = image;
  const after = await store(image, { ...issued, seenHeld: ['late'] });
  expect(after.as).toBe('commit');
  expect(after.grant).toEqual({
    ...rest,
    status: 'active',
    tokenVersion: 8,
    access: issued.access,
    current: issued.refresh,
    attempt: { ...lease, outcome: 'OK', until: NOW },
    doubts: {},
    held: {},
    refreshExpiresAt: SENT + 8_726_400_000,
    lastRefreshedAt: NOW,
    refreshCount: 7,
    duePartition: 'quickbooks#05',
    dueAt: after.grant?.dueAt,
  });
  expect(after.grant?.dueAt).toBeGreaterThanOrEqual(SENT + 1_800_000);
  expect(after.grant?.dueAt).toBeLessThanOrEqual(SENT + 2_160_000);
  expect(after.audit).toEqual([
    {
      v: 1,
      pk: 'GRANT#quickbooks#9341453',
      sk: '2026-11-20T12:59:59.900Z#attempt-8#attempt.ok',
      event: 'attempt.ok',
      provider: 'quickbooks',
      at: NOW,
      startedAt: SENT - 100,
      durationMs: 500,
      number: 8,
      outcome: 'OK',
      retry: 2,
      providerTraceId: 'tid-1',
      ttl: 1_829_394_000,
    },
  ]);
});

test('a success makes a grant active that was given up, and forgets all but what it was warned of its hard end', async () => {
  const image = leased({
    status: 'needs_reauth',
    reauth: { reason: 'unknown', since: T0, probes: 3 },
    rejections: { count: 9, firstAt: T0, lastAt: T0 },
    warned: { idle: 7, hard: 30 },
    hardExpiresAt: SENT + 20 * 24 * HOUR,
  });
  const after = await store(image);
  expect(after.grant).toMatchObject({ status: 'active', warned: { hard: 30 }, duePartition: 'quickbooks#05' });
  expect([after.grant?.reauth, after.grant?.rejections]).toEqual([undefined, undefined]);
});

test('where the provider has a grace the spent token is kept as previous', async () => {
  const after = await store(xeroGrant({ number: 8, attempt: lease }), { ...issued, grant: 'xero#user-1' }, XERO_POLICY);
  expect(after.grant?.held).toEqual({ 'attempt-7': heldToken('attempt-7', 7, 'previous', NOW) });
});

test('without a grace the spent token is dropped', async () => {
  expect((await store(leased())).grant?.held).toEqual({});
});

test('a token that arrived while the refresh ran is kept', async () => {
  const late = heldToken('late', 6, 'late', T0);
  expect((await store(leased({ held: { late } }))).grant?.held).toEqual({ late });
});

test('when a held token succeeds, the current one it replaces is kept as displaced', async () => {
  const image = leased({ held: { late: heldToken('late', 6, 'late', T0) } });
  const after = await store(image, { ...issued, spentId: 'late', seenHeld: ['late'] });
  expect(after.grant?.held).toEqual({ 'attempt-7': heldToken('attempt-7', 7, 'displaced', NOW) });
  expect(after.grant?.current).toEqual(issued.refresh);
});

test('a zombie newer than the current token displaces it and leaves the running attempt alone', async () => {
  const other = { number: 10, id: 'attempt-10', kind: 'refresh', startedAt: NOW - 50, until: NOW + 124_950 } as const;
  const image = leased({ number: 10, attempt: other, tokenVersion: 7, current: refreshToken('attempt-7b', 7) });
  const after = await store(image);
  expect(after.as).toBe('displace');
  expect(after.grant).toMatchObject({
    tokenVersion: 8,
    current: issued.refresh,
    attempt: other,
    held: { 'attempt-7b': heldToken('attempt-7b', 7, 'displaced', NOW) },
    dueAt: other.until,
    duePartition: 'quickbooks#recovery#01',
  });
});

test.for([
  ['a later refresh whose answer was lost is still to be asked for', 'UNKNOWN', NOW - 50, 'quickbooks#recovery#01'],
  ['a later refresh that was rejected is over', 'REJECTED', undefined, 'quickbooks#05'],
] as const)('when a zombie displaces the current token %s', async ([, outcome, since, duePartition]) => {
  const other = { number: 10, id: 'attempt-10', kind: 'refresh', startedAt: NOW - 50, until: NOW, outcome } as const;
  const after = await store(leased({ number: 10, attempt: other, unansweredSince: SENT - 100 }));
  expect(after.as).toBe('displace');
  expect([after.grant?.unansweredSince, after.grant?.duePartition]).toEqual([since, duePartition]);
});

test.for([
  ['current', leased({ current: refreshToken('attempt-8', 8) })],
  ['held', leased({ generation: 'gen-3', held: { 'attempt-8': heldToken('attempt-8', 8, 'late', T0) } })],
] as const)('a token that is %s already is not written again', async ([, image]) => {
  expect(await store(image)).toEqual({ as: 'stored' });
});

test('a ninth held token displaces the oldest', async () => {
  const held = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`h${n}`, heldToken(`h${n}`, n, 'late', T0 + n)]),
  );
  const after = await store(leased({ generation: 'gen-2', held }));
  expect(Object.keys(after.grant?.held ?? {}).sort()).toEqual(['attempt-8', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', 'h8']);
});

test.for([
  ['disconnected', { generation: 'gen-9' }],
  ['overtaken by a newer token', { tokenVersion: 9 }],
  ['given a late token', { held: { late: heldToken('late', 6, 'late', T0) } }],
  ['taken over', { attempt: { ...lease, id: 'attempt-9', number: 9 } }],
] as const)('a commit decided before the grant was %s changes nothing', async ([, meanwhile]) => {
  const decision = decideCommit(leased(), issued, QUICKBOOKS_POLICY, NOW);
  if (decision.kind !== 'write') throw new Error('a write was expected');
  const image = leased(meanwhile as never);
  const after = await apply(image, decision.transaction);
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('a token that displaces another does not bring back the date of an attempt that has ended meanwhile', async () => {
  const other = { number: 9, id: 'attempt-9', kind: 'refresh', startedAt: SENT, until: SENT + 125_000 } as const;
  const read = leased({ number: 9, attempt: other, dueAt: SENT + 125_000 });
  const image = { ...read, attempt: { ...other, until: NOW, outcome: 'NOT_SENT' as const }, dueAt: NOW + 1_000 };
  const decision = decideCommit(read, issued, QUICKBOOKS_POLICY, NOW);
  if (decision.kind !== 'write') throw new Error('a write was expected');
  expect(decision.as).toBe('displace');
  expect((await apply(image, decision.transaction)).committed).toBe(false);
});

test('what is decided on different images are different requests', () => {
  const tokens = [leased(), leased({ detach: { c1: { tenantId: 't1', since: T0 } } })].map((image) => {
    const decision = decideCommit(image, issued, QUICKBOOKS_POLICY, NOW);
    return decision.kind === 'write' ? decision.transaction.token : 'stored';
  });
  expect(new Set(tokens).size).toBe(2);
});
