import { attemptRow } from './attempt-row.ts';
import { suspectBackoffMs } from './backoff.ts';
import { REJECTED_FOR_MS, REJECTIONS_BEFORE } from './give-up-decision.ts';
import {
  type Attempt,
  duePartition,
  type Failure,
  type Grant,
  type GrantFields,
  type Instant,
  type Rejections,
} from './grant.ts';
import {
  after,
  attemptIs,
  generationIs,
  heldAre,
  imageId,
  isUnreported,
  owesAsRead,
  statusIs,
  tokenVersionIs,
  updateGrant,
} from './grant-conditions.ts';
import { type DuePolicy, graceEndsAt, nextDue, nextProbeAt, waitWithinGrace } from './next-due.ts';
import type { WaitPolicy } from './report-decision.ts';
import { appendAudit, type Transaction, transactionToken } from './write.ts';

/** No two rejections of a grant are counted within less (protocol.md, write 8). */
const APART_MS = 60_000;

/**
 * Write 8 of protocol.md: every token we hold was rejected. That is a suspicion, not a verdict: Intuit answers invalid_grant
 * in outages too (providers.md §0.3). No token is removed, and the next try is at least a minute away. A grant that was given
 * up stays so until the next probe.
 */
export function decideSuspect(
  grant: Grant,
  attempt: Attempt,
  rejection: {
    readonly reason: string;
    readonly traceId?: string;
    readonly now: Instant;
    readonly policy: WaitPolicy & DuePolicy;
  },
): Transaction {
  const { now, reason, traceId } = rejection;
  const count = (grant.rejections?.count ?? 0) + 1;
  const rejections: Rejections = { count, firstAt: grant.rejections?.firstAt ?? now, lastAt: now };
  const notBefore = Math.max(
    now + APART_MS,
    nextTryAt(grant, rejections, { ...rejection, askedAt: attempt.startedAt }),
  );
  const failure: Failure = { outcome: 'REJECTED', reason, at: now, consecutive: (grant.failure?.consecutive ?? 0) + 1 };
  const set = {
    ...statusAfter(grant),
    rejections,
    attempt: { ...attempt, outcome: 'REJECTED', until: now },
    notBefore,
    failure,
    failedRefreshCount: grant.failedRefreshCount + 1,
  } as const satisfies Partial<GrantFields>;
  const rejected = after(grant, set);
  const write = updateGrant(
    grant,
    [
      generationIs(grant.generation),
      tokenVersionIs(grant.tokenVersion),
      attemptIs(attempt.id),
      isUnreported,
      statusIs(grant.status),
      ...heldAre(grant),
      ...owesAsRead(grant),
    ],
    {
      set: {
        ...set,
        dueAt: nextDue(rejected, rejection.policy, now) ?? notBefore,
        duePartition: duePartition(rejected),
      },
    },
  );
  const row = attemptRow(grant, attempt, {
    event: 'attempt.rejected',
    outcome: 'REJECTED',
    reason,
    retry: count - 1,
    traceId,
    now,
  });
  return {
    token: transactionToken(attempt.id, 'suspect', imageId(grant), now),
    writes: [write, appendAudit(row)],
  };
}

function statusAfter({ status, reauth }: Grant): Pick<GrantFields, 'status' | 'reauth'> {
  if (status !== 'needs_reauth') return { status: 'suspect' };
  return { status, ...(reauth === undefined ? {} : { reauth: { ...reauth, probes: reauth.probes + 1 } }) };
}

/**
 * A suspect is tried again after its backoff, but not later than the moment from which it may be given up, and several times
 * before a provider's grace for a lost answer ends. One that was given up waits for its next probe.
 */
function nextTryAt(
  { status, reauth, unansweredSince }: Pick<GrantFields, 'status' | 'reauth' | 'unansweredSince'>,
  { count, firstAt, lastAt }: Rejections,
  told: { readonly askedAt: Instant; readonly now: Instant; readonly policy: WaitPolicy & DuePolicy },
): Instant {
  const { askedAt, now, policy } = told;
  if (status === 'needs_reauth') return nextProbeAt(reauth?.since ?? firstAt, lastAt, policy);
  const endsAt = graceEndsAt(unansweredSince === undefined ? {} : { unansweredSince }, policy.graceSeconds);
  const backoff = suspectBackoffMs(count, policy.backoff);
  const at = now + waitWithinGrace(backoff, { endsAt, floorMs: APART_MS, now });
  const ripeAt = firstAt + REJECTED_FOR_MS;
  // An attempt that began before that moment was no verdict, even if its answer came after it.
  return count >= REJECTIONS_BEFORE && ripeAt > askedAt ? Math.min(at, Math.max(now, ripeAt)) : at;
}
