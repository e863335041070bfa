import { attemptRow } from './attempt-row.ts';
import { type Attempt, duePartition, type Failure, type Grant, type Instant, type ReauthReason } from './grant.ts';
import {
  after,
  attemptIs,
  generationIs,
  heldAre,
  isUnreported,
  owesAsRead,
  statusIs,
  tokenVersionIs,
  updateGrant,
} from './grant-conditions.ts';
import { graceEndsAt, nextProbeAt } from './next-due.ts';
import { type ProviderState, providerKey } from './provider-state.ts';
import {
  absent,
  anyOf,
  appendAudit,
  atLeast,
  atMost,
  type Condition,
  equals,
  type Transaction,
  transactionToken,
  type WriteOn,
} from './write.ts';

/**
 * Write 9 of protocol.md: when a suspicion becomes a verdict. A grant is given up only on evidence (design §5.5), because
 * invalid_grant is also what an outage, a wrong key or a lost answer look like (providers.md §0.3). The user is asked to
 * reconnect then, so a false verdict costs more than a late one.
 */

/** Rejections before the one that decides, and how long ago the first of them must be. */
export const REJECTIONS_BEFORE = 2;
export const REJECTED_FOR_MS = 15 * 60_000;
/** A process that never reported may still store what it got, or have put it on the rescue queue, for so long. */
export const DOUBT_MS = 30 * 60_000;
/** The sweep looks every minute; after three it is not at work, and what it saw is no evidence any more. */
export const OBSERVED_MS = 180_000;
/** Two looks, a minute apart, found no token on its way to the store. */
export const QUEUES_EMPTY_MS = 60_000;
/**
 * Another grant's success counts when it was sent so long after our first rejection: further apart than the clocks of two
 * machines, or one sent just before an outage could pass for one during it.
 */
export const EVIDENCE_AFTER_MS = 60_000;
/** Without the evidence of others a provider's outage must be thought of for so long. */
export const WITHOUT_EVIDENCE_MS = 2 * 3600_000;

export interface GiveUpFacts {
  readonly graceSeconds: number;
  readonly now: Instant;
}

/**
 * What the grant itself says: it may be given up if the next rejection of all its tokens finds the provider well. No attempt
 * of any kind that never reported is younger than 30 minutes. And while a provider's grace for a lost answer runs, the token
 * that was sent is good again as soon as the provider is, and bad for ever afterwards: then we go on trying instead.
 */
export function isRipe(grant: Grant, { graceSeconds, now }: GiveUpFacts): boolean {
  const { status, rejections, doubts } = grant;
  if (status !== 'suspect' || rejections === undefined) return false;
  if (rejections.count < REJECTIONS_BEFORE || rejections.firstAt > now - REJECTED_FOR_MS) return false;
  for (const number in doubts) if ((doubts[number] ?? 0) > now - DOUBT_MS) return false;
  return (graceEndsAt(grant, graceSeconds) ?? 0) <= now;
}

/**
 * Whether the rejection of all tokens of the grant is to be believed. `state` is what was known of the provider *before* the
 * tokens were sent: a success that came only after them may be the end of an outage that rejected them.
 */
export function mayGiveUp(grant: Grant, state: ProviderState | undefined, facts: GiveUpFacts): boolean {
  const { now } = facts;
  if (state === undefined || state.frozen === true || !isRipe(grant, facts)) return false;
  if ((state.observedAt ?? 0) < now - OBSERVED_MS) return false;
  if (state.queuesEmptySince === undefined || state.queuesEmptySince > now - QUEUES_EMPTY_MS) return false;
  return othersSucceeded(grant, state) || isWithoutEvidence(grant, now);
}

/** What the user is told. The grant's own dates first, then what we know to have lost; revoked only where others succeed. */
export function reasonOf(grant: Grant, state: ProviderState | undefined, now: Instant): ReauthReason {
  const firstAt = grant.rejections?.firstAt ?? now;
  if (grant.hardExpiresAt !== undefined && grant.hardExpiresAt <= now) return 'hard_expired';
  if (grant.refreshExpiresAt !== undefined && grant.refreshExpiresAt <= firstAt) return 'idle_expired';
  // An answer that went missing only after the token had been refused most likely held nothing new; where that refusal was an
  // outage's (providers.md §0.3) the token was lost all the same, and is not called so.
  const lostAt = Math.min(grant.unansweredSince ?? Number.POSITIVE_INFINITY, ...Object.values(grant.doubts));
  if (lostAt < firstAt) return 'lost_rotation';
  return state !== undefined && othersSucceeded(grant, state) ? 'user_revoked' : 'unknown';
}

/**
 * The write that gives the grant up, after every token was rejected and a probe with its own client was good. In the same
 * transaction what was read of the provider is checked to be so still. Nothing is removed: a success makes it active again.
 */
export function decideNeedsReauth(
  grant: Grant,
  attempt: Attempt,
  verdict: {
    readonly reason: ReauthReason;
    readonly traceId?: string;
    /** What the rejections since `firstAt` were judged by. */
    readonly state: ProviderState;
    readonly now: Instant;
  },
): Transaction {
  const { reason, traceId, state, now } = verdict;
  const dueAt = nextProbeAt(now, now, NO_KEEP_ALIVE);
  const count = (grant.rejections?.count ?? 0) + 1;
  const failure: Failure = {
    outcome: 'REJECTED',
    reason: 'invalid_grant',
    at: now,
    consecutive: (grant.failure?.consecutive ?? 0) + 1,
  };
  const set = {
    status: 'needs_reauth',
    reauth: { reason, since: now, probes: 0 },
    rejections: { count, firstAt: grant.rejections?.firstAt ?? now, lastAt: now },
    attempt: { ...attempt, outcome: 'REJECTED', until: now },
    notBefore: dueAt,
    dueAt,
    failure,
    failedRefreshCount: grant.failedRefreshCount + 1,
  } as const;
  const row = attemptRow(grant, attempt, {
    event: 'grant.needs_reauth',
    outcome: 'REJECTED',
    reason,
    retry: count - 1,
    traceId,
    now,
  });
  return {
    token: transactionToken(attempt.id, 'needs_reauth', now),
    writes: [
      updateGrant(grant, stillSuspect(grant, attempt), {
        set: { ...set, duePartition: duePartition(after(grant, set)) },
      }),
      providerLeg(grant, state, now),
      appendAudit(row),
    ],
  };
}

/** The first probe of the schedule needs no keep-alive. */
const NO_KEEP_ALIVE = { margins: { refreshAheadSeconds: 0, onDemandSeconds: 0, keepAliveSeconds: 0 } };

function stillSuspect(grant: Grant, attempt: Attempt): Condition[] {
  return [
    generationIs(grant.generation),
    tokenVersionIs(grant.tokenVersion),
    attemptIs(attempt.id),
    isUnreported,
    statusIs('suspect'),
    ...heldAre(grant),
    ...owesAsRead(grant),
    // A token that arrived late has taken the rejections back.
    equals(['rejections', 'count'], grant.rejections?.count ?? 0),
  ];
}

function providerLeg(grant: Grant, { provider }: ProviderState, now: Instant): WriteOn<'grants', ProviderState> {
  return {
    table: 'grants',
    key: { pk: providerKey(provider) },
    when: [
      anyOf(absent('frozen'), equals(['frozen'], false)),
      atLeast(['observedAt'], now - OBSERVED_MS),
      atMost(['queuesEmptySince'], now - QUEUES_EMPTY_MS),
      ...(isWithoutEvidence(grant, now) ? [] : [atLeast(['lastSuccessAt'], evidenceFrom(grant))]),
    ],
    op: 'check',
  };
}

function othersSucceeded(grant: Grant, { lastSuccessAt }: ProviderState): boolean {
  // Ours would have cleared the rejections: it must be another grant's.
  return lastSuccessAt !== undefined && lastSuccessAt >= evidenceFrom(grant);
}

function evidenceFrom({ rejections }: Grant): Instant {
  return (rejections?.firstAt ?? Number.POSITIVE_INFINITY) + EVIDENCE_AFTER_MS;
}

function isWithoutEvidence({ rejections }: Grant, now: Instant): boolean {
  return rejections !== undefined && rejections.firstAt <= now - WITHOUT_EVIDENCE_MS;
}
