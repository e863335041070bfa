import { expect, test } from 'vitest';
import { acquired, decideAcquire } from '../../../lib/domain/acquire-decision.ts';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import { apply } from '../../support/apply.ts';
import { quickbooksGrant, T0 } from '../../support/grants.ts';

const NOW = T0 + 1_000;
const input = { kind: 'refresh', attemptId: 'attempt-8', now: NOW } as const;

function acquire(grant: Grant, changes: Partial<Parameters<typeof decideAcquire>[1]> = {}) {
  const decision = decideAcquire(grant, { ...input, ...changes });
  if (decision.kind !== 'acquire') throw new Error(`refused: ${decision.why}`);
  return decision;
}

test('taking the lease records the attempt and makes the grant due when it ends', async () => {
  const grant = quickbooksGrant();
  const decision = acquire(grant);
  const after = await apply(grant, decision.transaction);
  expect(after.committed).toBe(true);
  expect(after.audit).toEqual([]);
  expect(after.grant).toEqual({
    ...grant,
    number: 8,
    attempt: { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: NOW, until: NOW + 125_000 },
    dueAt: NOW + 125_000,
    duePartition: 'quickbooks#recovery#01',
  });
});

test('the grant as it is said to be after acquiring is the grant that is stored', async () => {
  const attempt = { number: 7, id: 'attempt-7', kind: 'refresh', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
  const grant = quickbooksGrant({ attempt, status: 'suspect' });
  const decision = acquire(grant);
  const after = await apply(grant, decision.transaction);
  expect(after.grant).toEqual(acquired(grant, decision.attempt));
});

test('an attempt that never reported becomes a doubt with an audit row', async () => {
  const attempt = { number: 7, id: 'attempt-7', kind: 'refresh', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
  const after = await apply(quickbooksGrant({ attempt }), acquire(quickbooksGrant({ attempt })).transaction);
  expect(after.grant.doubts).toEqual({ 7: T0 - 200_000 });
  expect(after.audit).toEqual([
    {
      v: 1,
      pk: 'GRANT#quickbooks#9341453',
      sk: '2026-11-20T11:56:40.000Z#attempt-7#attempt.doubt',
      event: 'attempt.doubt',
      provider: 'quickbooks',
      at: NOW,
      startedAt: T0 - 200_000,
      durationMs: 201_000,
      number: 7,
      reason: 'refresh_never_reported',
      ttl: 1_829_390_401,
    },
  ]);
});

const died = { number: 7, id: 'attempt-7', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;

test.for([
  ['a refresh that never reported', { attempt: { ...died, kind: 'refresh' } }, T0 - 200_000],
  ['the first of several', { attempt: { ...died, kind: 'refresh' }, unansweredSince: T0 - 400_000 }, T0 - 400_000],
  ['an earlier one', { unansweredSince: T0 - 400_000 }, T0 - 400_000],
  ['no detach, which rotates nothing', { attempt: { ...died, kind: 'detach' } }, undefined],
  ['no refresh before the newest token', { attempt: { ...died, kind: 'refresh' }, tokenVersion: 7 }, undefined],
] as const)('what may have been answered unheard is counted from %s', async ([, changes, since]) => {
  const image = quickbooksGrant({ tokenVersion: 6, ...(changes as Partial<LivingGrant>) });
  const decision = acquire(image);
  const after = await apply(image, decision.transaction);
  expect(after.grant.unansweredSince).toBe(since);
  expect(acquired(image, decision.attempt)).toEqual(after.grant);
});

test.for([
  ['a refresh of an active grant', {}, 'refresh', 'quickbooks#recovery#01'],
  ['a refresh of a suspect', { status: 'suspect' }, 'refresh', 'quickbooks#suspect#01'],
  ['a refresh of one that was given up', { status: 'needs_reauth' }, 'refresh', 'quickbooks#05'],
  ['a detach', {}, 'detach', 'quickbooks#05'],
  ['a detach after a lost answer', { unansweredSince: T0 - 9 }, 'detach', 'quickbooks#recovery#01'],
  ['a detach after a refresh died', { attempt: { ...died, kind: 'refresh' } }, 'detach', 'quickbooks#recovery#01'],
] as const)('%s puts the grant where it is looked for', async ([, changes, kind, partition]) => {
  const image = quickbooksGrant({ tokenVersion: 6, ...(changes as Partial<LivingGrant>) });
  expect((await apply(image, acquire(image, { kind }).transaction)).grant.duePartition).toBe(partition);
});

test('a refresh that failed and said so is no doubt', async () => {
  const image = quickbooksGrant({ tokenVersion: 6, attempt: { ...died, kind: 'refresh', outcome: 'REJECTED' } });
  const after = await apply(image, acquire(image, { kind: 'detach' }).transaction);
  expect([after.grant.doubts, after.audit]).toEqual([{}, []]);
});

test('an audit row that is owed is written with the next lease', async () => {
  const owed = {
    v: 1,
    pk: 'GRANT#quickbooks#9341453',
    sk: 's',
    event: 'attempt.ok',
    provider: 'quickbooks',
    at: T0,
    startedAt: T0,
    durationMs: 0,
    ttl: 1,
  } as const;
  const after = await apply(
    quickbooksGrant({ auditOwed: owed }),
    acquire(quickbooksGrant({ auditOwed: owed })).transaction,
  );
  expect(after.audit).toEqual([owed]);
  expect(after.grant.auditOwed).toBeUndefined();
});

test('a forced refresh notes when it was forced', async () => {
  const after = await apply(quickbooksGrant(), acquire(quickbooksGrant(), { forced: true }).transaction);
  expect(after.grant.forcedAt).toBe(NOW);
});

const running = (until: number) => ({ number: 7, id: 'attempt-7', kind: 'refresh', startedAt: T0, until }) as const;

test.for([
  ['a live lease', { attempt: running(T0 + 125_000) }, 'refresh', { why: 'leased', until: T0 + 125_000 }],
  [
    'a lease over for less than the clocks may differ',
    { attempt: running(NOW - 2_000) },
    'refresh',
    { why: 'leased', until: NOW - 2_000 },
  ],
  [
    'a lease kept for the provider',
    { attempt: { ...running(NOW + 1), outcome: 'UNKNOWN' } },
    'refresh',
    { why: 'leased', until: NOW + 1 },
  ],
  ['a wait that is not over', { notBefore: NOW + 1 }, 'refresh', { why: 'backing_off', until: NOW + 1 }],
  ['a closing grant', { status: 'closing' }, 'refresh', { why: 'not_allowed' }],
  ['a closed grant', { status: 'closed' }, 'detach', { why: 'not_allowed' }],
  ['a revocation while somebody is served', { status: 'closing' }, 'revoke', { why: 'not_allowed' }],
  ['a revocation of a living grant', {}, 'revoke', { why: 'not_allowed' }],
] as const)('%s refuses the lease', ([, changes, kind, refusal]) => {
  const grant = { ...quickbooksGrant(), ...changes } as Grant;
  expect(decideAcquire(grant, { ...input, kind })).toEqual({ kind: 'refused', ...refusal });
});

test.for([
  ['just over', { attempt: running(NOW - 2_001) }],
  ['reported and let go this instant', { attempt: { ...running(NOW), outcome: 'REJECTED' } }],
  ['over with the wait', { notBefore: NOW }],
] as const)('a lease that is %s can be taken', async ([, changes]) => {
  const grant = quickbooksGrant(changes as never);
  expect((await apply(grant, acquire(grant).transaction)).committed).toBe(true);
});

test.for([
  ['was authorised anew', { generation: 'gen-2' }],
  ['has a newer token', { tokenVersion: 8 }],
  ['was attempted by another', { number: 8 }],
  ['is leased by another', { attempt: running(T0 + 125_000) }],
  ['has to wait', { notBefore: T0 + 60_000 }],
  ['has become suspect', { status: 'suspect' }],
] as const)('the lease is not taken on a grant that meanwhile %s', async ([, meanwhile]) => {
  const { transaction } = acquire(quickbooksGrant());
  const image = quickbooksGrant(meanwhile as never);
  const after = await apply(image, transaction);
  expect(after.committed).toBe(false);
  expect(after.grant).toEqual(image);
});
