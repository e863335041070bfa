import { attemptRow } from './attempt-row.ts';
import type { AuditEvent } from './audit.ts';
import { type BackoffPolicy, backoffMs } from './backoff.ts';
import { type Attempt, duePartition, type Failure, type Grant, type GrantFields, type Instant } from './grant.ts';
import { after, attemptIs, generationIs, isUnreported, statusIs, updateGrant } from './grant-conditions.ts';
import { graceEndsAt, waitWithinGrace } from './next-due.ts';
import { appendAudit, type Transaction, transactionToken } from './write.ts';

/** Write 2 of protocol.md: an attempt that brought nothing says so and moves the next one. It never changes a status. */

/** After a complete answer that may have rotated (5xx), nobody else sends for this long. */
const COMPLETE_ANSWER_LEASE_MS = 15_000;

/** Nobody waits for a grant that was given up: a probe without a verdict is not repeated sooner. */
const PROBE_AGAIN_MS = 3600_000;

export interface Report {
  readonly outcome: 'NOT_SENT' | 'UNKNOWN' | 'CONFIG' | 'THROTTLED';
  /** Only for UNKNOWN: `cut` keeps the lease until it runs out. */
  readonly answer?: 'complete' | 'cut';
  readonly reason: string;
  readonly traceId?: string;
  readonly retryAfterSeconds?: number;
  readonly now: Instant;
  /** In [0, 1), for the jitter. */
  readonly random: number;
  readonly policy: WaitPolicy;
}

/** What the wait before the next attempt depends on. */
export interface WaitPolicy {
  readonly backoff: BackoffPolicy;
  readonly graceSeconds: number;
}

const EVENTS = {
  NOT_SENT: 'attempt.not_sent',
  UNKNOWN: 'attempt.unknown',
  CONFIG: 'attempt.config',
  THROTTLED: 'attempt.throttled',
} as const satisfies Record<Report['outcome'], AuditEvent>;

/**
 * The report of `attempt` on the grant as it is. A failed condition means it has been overtaken and nothing is owed, unless
 * the image still shows the attempt as ours and unreported: then decide again on it.
 */
export function decideReport(grant: Grant, attempt: Attempt, report: Report): Transaction {
  const { now, outcome, reason } = report;
  const consecutive = (grant.failure?.consecutive ?? 0) + 1;
  const until = leaseEnd(attempt, report);
  const unansweredSince = unansweredWith(grant, attempt, outcome);
  const notBefore = now + waitOf(grant, report, { consecutive, unansweredSince });
  const failure: Failure = { outcome, reason, at: now, consecutive };
  const set = {
    attempt: { ...attempt, outcome, until },
    notBefore,
    dueAt: Math.max(until, notBefore),
    ...(unansweredSince === undefined ? {} : { unansweredSince }),
    failure,
    failedRefreshCount: grant.failedRefreshCount + 1,
  } as const satisfies Partial<GrantFields>;
  const write = updateGrant(
    grant,
    [attemptIs(attempt.id), isUnreported, generationIs(grant.generation), statusIs(grant.status)],
    { set: { ...set, duePartition: duePartition(after(grant, set)) } },
  );
  const row = attemptRow(grant, attempt, {
    event: EVENTS[outcome],
    outcome,
    reason,
    retry: consecutive - 1,
    traceId: report.traceId,
    now,
  });
  return {
    token: transactionToken(attempt.id, 'report', outcome, reason, grant.status, now),
    writes: [write, appendAudit(row)],
  };
}

function leaseEnd(attempt: Attempt, report: Report): Instant {
  if (report.outcome !== 'UNKNOWN') return report.now;
  return report.answer === 'cut' ? attempt.until : report.now + COMPLETE_ANSWER_LEASE_MS;
}

/** The first lost answer since the last success counts: what it rotated is what a provider's grace runs for. */
function unansweredWith(grant: Grant, attempt: Attempt, outcome: Report['outcome']): Instant | undefined {
  const isLost = outcome === 'UNKNOWN' && attempt.kind === 'refresh' && attempt.number > grant.tokenVersion;
  return grant.unansweredSince ?? (isLost ? attempt.startedAt : undefined);
}

function waitOf(
  { status }: Grant,
  report: Report,
  { consecutive, unansweredSince }: { readonly consecutive: number; readonly unansweredSince: Instant | undefined },
): number {
  const { now, random, retryAfterSeconds = 0, policy } = report;
  const backoff = backoffMs(consecutive, random, policy.backoff);
  const leastMs = status === 'needs_reauth' ? PROBE_AGAIN_MS : 0;
  const waitMs = Math.max(backoff, leastMs, retryAfterSeconds * 1000);
  const endsAt = unansweredSince === undefined ? undefined : graceEndsAt({ unansweredSince }, policy.graceSeconds);
  return waitWithinGrace(waitMs, { endsAt, floorMs: policy.backoff.baseMs, now });
}
