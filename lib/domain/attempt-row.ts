import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import type { Attempt, Grant, Instant, OutcomeKind } from './grant.ts';

/** The one row that tells how an attempt without tokens ended. `retry`: how many before it ended so in a row. */
export function attemptRow(
  grant: Pick<Grant, 'pk' | 'provider'>,
  attempt: Attempt,
  end: {
    readonly event: AuditEvent;
    readonly outcome: Exclude<OutcomeKind, 'OK'>;
    readonly reason: string;
    readonly retry: number;
    readonly traceId?: string | undefined;
    readonly now: Instant;
  },
): AuditRow {
  const { event, outcome, reason, retry, traceId, now } = end;
  return auditRow({
    pk: `GRANT#${grant.pk}`,
    id: attempt.id,
    event,
    provider: grant.provider,
    at: now,
    startedAt: attempt.startedAt,
    number: attempt.number,
    outcome,
    reason,
    retry,
    ...(traceId === undefined ? {} : { providerTraceId: traceId }),
  });
}
