import type { ProviderId } from './names.ts';
import type { GrantKey, Instant, OutcomeKind } from './terms.ts';

/** What an audit row can tell of. */
export type AuditEvent =
  | 'attempt.ok'
  | 'attempt.not_sent'
  | 'attempt.unknown'
  | 'attempt.rejected'
  | 'attempt.config'
  | 'attempt.throttled'
  | 'attempt.doubt'
  | 'attempt.superseded'
  | 'attempt.late'
  | 'duty.detached'
  | 'duty.abandoned'
  | 'grant.banked'
  | 'grant.closing'
  | 'grant.closed'
  | 'grant.needs_reauth'
  | 'grant.expiring'
  | 'grant.restored'
  | 'connection.linked'
  | 'connection.disconnected'
  | 'connection.tenant_lost'
  | 'connection.tenant_found'
  | 'flow.started'
  | 'flow.failed'
  | 'organization.erased';

/**
 * Append-only. `pk` is `GRANT#<grant key>` or `ORG#<organisation>`; `sk` is `<startedAt>#<attempt or flow id>#<event>`,
 * so writing the same row again changes nothing. Kept 13 months.
 */
export interface AuditRow {
  readonly v: 1;
  readonly pk: `GRANT#${GrantKey}` | `ORG#${string}`;
  readonly sk: string;
  readonly event: AuditEvent;
  readonly provider: ProviderId;
  readonly at: Instant;
  readonly startedAt: Instant;
  readonly durationMs: number;
  readonly number?: number;
  readonly outcome?: OutcomeKind;
  readonly reason?: string;
  readonly retry?: number;
  readonly organizationId?: string;
  readonly providerTraceId?: string;
  readonly actor?: string;
  /** Epoch seconds. */
  readonly ttl: number;
}

const RETENTION_SECONDS = 396 * 24 * 3600;

/** A complete row from what is known of the event; the sort key carries `startedAt` so rows read in order of time. */
export function auditRow(row: Omit<AuditRow, 'v' | 'sk' | 'ttl' | 'durationMs'> & { readonly id: string }): AuditRow {
  const { id, ...fields } = row;
  return {
    v: 1,
    ...fields,
    sk: `${new Date(row.startedAt).toISOString()}#${id}#${row.event}`,
    durationMs: Math.max(0, row.at - row.startedAt),
    ttl: Math.floor(row.at / 1000) + RETENTION_SECONDS,
  };
}
