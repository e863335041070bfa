import { type AuditEvent, auditRow } from './audit.ts';
import { backoffMs } from './backoff.ts';
import type { Attempt, Failure, Grant, Instant } from './grant.ts';
import { attemptIs, generationIs, updateGrant } from './grant-conditions.ts';
import { appendAudit, type Transaction, transactionToken } from './write.ts';

/** Write 2 of protocol.md: an attempt that brought nothing says so and moves the next one. It never changes a status. */

/** After a complete answer that may have rotated (5xx), nobody else sends for this long. */
const COMPLETE_ANSWER_LEASE_MS = 15_000;

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
}

const EVENTS = {
  NOT_SENT: 'attempt.not_sent',
  UNKNOWN: 'attempt.unknown',
  CONFIG: 'attempt.config',
  THROTTLED: 'attempt.throttled',
} as const satisfies Record<Report['outcome'], AuditEvent>;

/** The report of `attempt` on the grant it acquired. A failed condition means it has been overtaken: nothing is owed. */
export function decideReport(grant: Grant, attempt: Attempt, report: Report): Transaction {
  const { now, outcome, reason } = report;
  const consecutive = (grant.failure?.consecutive ?? 0) + 1;
  const until = leaseEnd(attempt, report);
  const waitMs = Math.max(backoffMs(consecutive, report.random), (report.retryAfterSeconds ?? 0) * 1000);
  const notBefore = now + waitMs;
  const failure: Failure = { outcome, reason, at: now, consecutive };
  const write = updateGrant(grant, [attemptIs(attempt.id), generationIs(grant.generation)], {
    set: {
      attempt: { ...attempt, outcome, until },
      notBefore,
      dueAt: Math.max(until, notBefore),
      failure,
      failedRefreshCount: grant.failedRefreshCount + 1,
    },
  });
  const row = auditRow({
    pk: `GRANT#${grant.pk}`,
    id: attempt.id,
    event: EVENTS[outcome],
    provider: grant.provider,
    at: now,
    startedAt: attempt.startedAt,
    number: attempt.number,
    outcome,
    reason,
    retry: consecutive - 1,
    ...(report.traceId === undefined ? {} : { providerTraceId: report.traceId }),
  });
  return { token: transactionToken(attempt.id, 'report', outcome, reason), writes: [write, appendAudit(row)] };
}

function leaseEnd(attempt: Attempt, report: Report): Instant {
  if (report.outcome !== 'UNKNOWN') return report.now;
  return report.answer === 'cut' ? attempt.until : report.now + COMPLETE_ANSWER_LEASE_MS;
}
