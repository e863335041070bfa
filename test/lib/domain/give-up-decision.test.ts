import { expect, test } from 'vitest';
import { decideNeedsReauth, isRipe, mayGiveUp, reasonOf } from '../../../lib/domain/give-up-decision.ts';
import type { GrantFields, LivingGrant } from '../../../lib/domain/grant.ts';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import { absent } from '../../../lib/domain/write.ts';
import { HOUR, heldToken, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

const NOW = T0 + HOUR;
const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: NOW - 900, until: NOW + 124_100 } as const;

/** Rejected four times, the first 16 minutes ago; its attempt runs. */
const suspect = (changes: Partial<LivingGrant> = {}) =>
  quickbooksGrant({
    status: 'suspect',
    number: 8,
    attempt: lease,
    held: { h6: heldToken('h6', 6, 'late', T0) },
    rejections: { count: 4, firstAt: NOW - 16 * MINUTE, lastAt: NOW - 5 * MINUTE },
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: NOW - 5 * MINUTE, consecutive: 4 },
    duePartition: 'quickbooks#suspect#01',
    ...changes,
  });

/** Looked at half a minute ago, calm, and another grant has succeeded since. */
const HEALTHY: ProviderState = {
  v: 1,
  pk: 'PROVIDER#quickbooks',
  provider: 'quickbooks',
  lastSuccessAt: NOW - MINUTE,
  observedAt: NOW - 30_000,
  suspects: 1,
  frozen: false,
  queuesEmptySince: NOW - 2 * MINUTE,
};

test('a suspect may be given up once everything speaks for it', () => {
  expect(mayGiveUp(suspect(), HEALTHY, { graceSeconds: 0, now: NOW })).toBe(true);
});

test.for([
  ['it is no suspect', { status: 'active' }],
  ['it was given up already', { status: 'needs_reauth' }],
  ['it was rejected once before', { rejections: { count: 1, firstAt: NOW - HOUR, lastAt: NOW - HOUR } }],
  ['the first rejection is 15 minutes less a moment old', { rejections: rejectedSince(15 * MINUTE - 1) }],
  ['an attempt of half an hour ago has never reported', { doubts: { 3: NOW - 30 * MINUTE + 1 } }],
  ['the grace for a lost answer runs', { unansweredSince: NOW - 30 * MINUTE + 1 }],
] as const)('the grant is not ripe while %s', ([, changes]) => {
  const facts = { graceSeconds: 1800, now: NOW };
  expect(isRipe(suspect(changes as never), facts)).toBe(false);
  expect(mayGiveUp(suspect(changes as never), HEALTHY, facts)).toBe(false);
});

test.for([
  ['two rejections before', { rejections: { ...rejectedSince(15 * MINUTE), count: 2 } }, 0],
  ['a doubt of 30 minutes', { doubts: { 3: NOW - 30 * MINUTE } }, 0],
  ['a lost answer where there is no grace', { unansweredSince: NOW - MINUTE }, 0],
  ['a lost answer whose grace is over', { unansweredSince: NOW - 30 * MINUTE }, 1800],
] as const)('the grant is ripe with %s', ([, changes, graceSeconds]) => {
  expect(isRipe(suspect(changes as never), { graceSeconds, now: NOW })).toBe(true);
});

const unhealthy = [
  ['nothing is known of the provider', undefined],
  ['so many are suspect that nobody is given up', { frozen: true }],
  ['nobody has looked at the provider for three minutes', { observedAt: NOW - 180_001 }],
  ['nobody has ever looked', { observedAt: undefined }],
  ['a token may be on the queues', { queuesEmptySince: undefined }],
  ['the queues have been empty for less than a minute', { queuesEmptySince: NOW - 59_999 }],
  ['nobody has succeeded', { lastSuccessAt: undefined }],
  ['the success of another was sent before the first rejection', { lastSuccessAt: NOW - 16 * MINUTE }],
  ['it may be the clocks that make it seem later', { lastSuccessAt: NOW - 15 * MINUTE - 1 }],
] as const;

test.for(unhealthy)('a rejection is not believed while %s', ([, changes]) => {
  expect(mayGiveUp(suspect(), changes && state(changes), { graceSeconds: 0, now: NOW })).toBe(false);
});

test.for([
  ['a minute after the first rejection another succeeded', { lastSuccessAt: NOW - 15 * MINUTE }, 16 * MINUTE],
  ['nobody succeeded, but two hours have passed', { lastSuccessAt: undefined }, 2 * HOUR],
] as const)('a rejection is believed when %s', ([, changes, sinceMs]) => {
  const grant = suspect({ rejections: rejectedSince(sinceMs) });
  expect(mayGiveUp(grant, state(changes), { graceSeconds: 0, now: NOW })).toBe(true);
});

test('without evidence a moment less than two hours is too little', () => {
  const grant = suspect({ rejections: rejectedSince(2 * HOUR - 1) });
  expect(mayGiveUp(grant, state({ lastSuccessAt: undefined }), { graceSeconds: 0, now: NOW })).toBe(false);
});

test.for([
  ['hard_expired', { hardExpiresAt: NOW, refreshExpiresAt: 1, doubts: { 3: 1 } }, HEALTHY],
  ['idle_expired', { hardExpiresAt: NOW + 1, refreshExpiresAt: NOW - 16 * MINUTE, doubts: { 3: 1 } }, HEALTHY],
  ['lost_rotation', { refreshExpiresAt: NOW - 16 * MINUTE + 1, doubts: { 3: 1 } }, HEALTHY],
  ['lost_rotation', { unansweredSince: 1 }, HEALTHY],
  ['user_revoked', {}, HEALTHY],
  // The answer went missing after the token had been refused: nothing was lost by that.
  ['user_revoked', { unansweredSince: NOW - 16 * MINUTE }, HEALTHY],
  ['unknown', {}, { ...HEALTHY, lastSuccessAt: NOW - HOUR }],
] as const)('the reason is %s for %o', ([reason, changes, known]) => {
  expect(reasonOf(suspect(changes as never), known, NOW)).toBe(reason);
});

test('giving up keeps every token, says why and is probed an hour later', async () => {
  const grant = suspect({ doubts: { 3: T0 - HOUR } });
  const after = await giveUp({ grant });
  expect(after.grant).toEqual({
    ...grant,
    status: 'needs_reauth',
    reauth: { reason: 'user_revoked', since: NOW, probes: 0 },
    rejections: { count: 5, firstAt: NOW - 16 * MINUTE, lastAt: NOW },
    attempt: { ...lease, outcome: 'REJECTED', until: NOW },
    notBefore: NOW + HOUR,
    dueAt: NOW + HOUR,
    duePartition: 'quickbooks#05',
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: NOW, consecutive: 5 },
    failedRefreshCount: 1,
  });
  expect(after.audit).toEqual([
    {
      v: 1,
      pk: 'GRANT#quickbooks#9341453',
      sk: '2026-11-20T12:59:59.100Z#attempt-8#grant.needs_reauth',
      event: 'grant.needs_reauth',
      provider: 'quickbooks',
      at: NOW,
      startedAt: NOW - 900,
      durationMs: 900,
      number: 8,
      outcome: 'REJECTED',
      reason: 'user_revoked',
      retry: 4,
      providerTraceId: 'tid-9',
      ttl: 1_829_394_000,
    },
  ]);
});

test.for(unhealthy)('a verdict is not written once %s', async ([, changes]) => {
  const after = await giveUp({ grant: suspect(), known: changes && state(changes) });
  expect(after.failed).toEqual([1]);
  expect(after.grant).toEqual(suspect());
  expect(after.audit).toEqual([]);
});

test('after two hours the evidence of others is not asked for', async () => {
  const grant = suspect({ rejections: rejectedSince(2 * HOUR) });
  expect((await giveUp({ grant, known: state({ lastSuccessAt: undefined }) })).failed).toEqual([]);
});

test.for([
  ['a newer token is current', { tokenVersion: 8 }],
  ['the grant was authorised anew', { generation: 'gen-2' }],
  ['another attempt runs', { attempt: { ...lease, id: 'attempt-9' } }],
  ['the attempt has ended otherwise', { attempt: { ...lease, outcome: 'UNKNOWN' } }],
  [
    'a token has arrived that was not tried',
    { held: { h6: heldToken('h6', 6, 'late', T0), h5: heldToken('h5', 5, 'late', T0) } },
  ],
  ['a token has arrived in the place of another', { held: { h5: heldToken('h5', 5, 'late', T0) } }],
  ['a late token has taken the rejections back', { rejections: undefined }],
  ['it is active again', { status: 'active' }],
] as const)('a verdict is not written once %s: only the grant is to blame', async ([, meanwhile]) => {
  const image = { ...suspect(), ...meanwhile } as GrantFields;
  const after = await giveUp({ grant: suspect(), image });
  expect(after.failed).toEqual([0]);
});

function rejectedSince(ms: number) {
  return { count: 4, firstAt: NOW - ms, lastAt: NOW - 5 * MINUTE };
}

function state(changes: { readonly [K in keyof ProviderState]?: ProviderState[K] | undefined }): ProviderState {
  const known = Object.entries({ ...HEALTHY, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as ProviderState;
}

/** Decides on `grant` and carries it out on `image`, with the provider as `known`. */
async function giveUp(given: {
  readonly grant: LivingGrant;
  readonly image?: GrantFields;
  readonly known?: ProviderState | undefined;
}) {
  const { grant, image = grant } = given;
  const known = 'known' in given ? given.known : HEALTHY;
  const store = createMemoryStore();
  const put = (item: GrantFields | ProviderState, token: string) =>
    store.commit({
      token,
      writes: [{ table: 'grants', key: { pk: item.pk }, when: [absent('pk')], op: 'put', item } as never],
    });
  await put(withoutUndefined(image), 'image');
  if (known !== undefined) await put(known, 'known');
  const verdict = { reason: 'user_revoked', traceId: 'tid-9', state: HEALTHY, now: NOW } as const;
  const done = await store.commit(decideNeedsReauth(grant, lease, verdict));
  const { grants, audit } = store.dump();
  return {
    failed: done.committed ? [] : done.failed.map(({ index }) => index),
    grant: grants.find(({ pk }) => pk === grant.pk),
    audit,
  };
}

function withoutUndefined(grant: GrantFields): GrantFields {
  return Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined)) as unknown as GrantFields;
}
