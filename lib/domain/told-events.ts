import type { AuditRow } from './audit.ts';
import type { Connection } from './connection.ts';
import type { Attempt, Grant, GrantFields, Instant } from './grant.ts';
import type { EventType, LifecycleEvent } from './lifecycle-event.ts';
import { isInUse } from './next-due.ts';
import type { GrantKey } from './terms.ts';
import type { Transaction, WriteOn } from './write.ts';

/**
 * Which events a committed transaction makes. Every transition has exactly one audit row (I9), so the rows are what is told,
 * and a transaction without one tells nothing: of `persist`, whose row stood there already and was told by whoever wrote it.
 */

/** What of a grant, as it was before the transaction, its events tell besides the row. */
export interface GrantFacts {
  readonly organizationIds?: readonly string[];
  readonly accessExpiresAt?: Instant;
  /** When the last attempt failed that no success has followed. */
  readonly failedAt?: Instant;
  readonly lastUsedAt?: Instant;
}

/** Events in the order of their rows. `recall` gives what is known of a grant, if anything. */
export function eventsOf(
  transaction: Transaction,
  recall: (key: GrantKey) => GrantFacts | undefined,
): readonly LifecycleEvent[] {
  const about = { transaction, recall };
  return newRows(transaction).flatMap((row) => TELLERS[row.event]?.(row, about) ?? []);
}

/** What is remembered of a grant. */
export function factsOf(grant: Grant): GrantFacts {
  const { orgs, failure, lastUsedAt } = grant;
  return {
    ...(orgs === undefined ? {} : { organizationIds: [...orgs].sort() }),
    ...('access' in grant ? { accessExpiresAt: grant.access.expiresAt } : {}),
    ...(failure === undefined ? {} : { failedAt: failure.at }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  };
}

/**
 * The rows of what happens with this transaction. A row that the grant comes to owe is told now; the lease that pays the debt
 * later has no news of its own.
 */
function newRows({ writes }: Transaction): readonly AuditRow[] {
  const grants = writes.filter((write) => write.table === 'grants') as readonly WriteOn<'grants'>[];
  if (grants.some((write) => write.op === 'update' && write.remove?.includes('auditOwed'))) return [];
  const owed = grants.flatMap((write) => fieldsWritten(write)?.auditOwed ?? []);
  const rows = writes.flatMap((write) => (write.table === 'audit' && write.op === 'put' ? [write.item] : []));
  return [...rows, ...owed];
}

interface About {
  readonly transaction: Transaction;
  readonly recall: (key: GrantKey) => GrantFacts | undefined;
}

type Tell = (row: AuditRow, about: About) => readonly LifecycleEvent[];

const TELLERS: { readonly [E in AuditRow['event']]?: Tell } = {
  'attempt.ok': (row, about) => [
    onGrant('Token Refreshed', row, about, { attemptId: idOf(row), tokenVersion: row.number }),
  ],
  'attempt.not_sent': refreshFailed,
  'attempt.unknown': refreshFailed,
  'attempt.rejected': refreshFailed,
  'attempt.config': refreshFailed,
  'attempt.throttled': refreshFailed,
  'grant.expiring': (row, about) => {
    const [clock, days] = (row.reason ?? '').split('_');
    return [onGrant('Connection Near Expiry', row, about, { reason: clock, days: Number(days) })];
  },
  'grant.needs_reauth': needsReauth,
  'connection.linked': (row, { transaction }) => {
    const { grant, version } = linkedIn(transaction) ?? {};
    const reason = version === 1 ? 'linked' : 'linked_again';
    return [event('Connection Created', row, { grant, organizationIds: organizationOf(row), reason })];
  },
  'connection.tenant_found': (row) => [
    event('Connection Created', row, { organizationIds: organizationOf(row), reason: 'company_found' }),
  ],
  'connection.tenant_lost': (row) => [
    event('Connection Needs Reauth', row, { organizationIds: organizationOf(row), reason: 'tenant_lost' }),
  ],
  'connection.disconnected': (row, { transaction }) => [
    event('Connection Disconnected', row, { grant: grantIn(transaction), organizationIds: organizationOf(row) }),
  ],
};

/** Duties are reported in the same words, and are no refresh. */
function refreshFailed(row: AuditRow, about: About): readonly LifecycleEvent[] {
  if (attemptIn(about.transaction)?.kind !== 'refresh') return [];
  const attemptId = idOf(row);
  const { outcome, reason } = row;
  const failed = onGrant('Refresh Failed', row, about, {
    attemptId,
    reason,
    outcome: outcome === 'OK' ? undefined : outcome,
  });
  return [failed, ...accessExpired(row, about)];
}

function needsReauth(row: AuditRow, about: About): readonly LifecycleEvent[] {
  const attemptId = idOf(row);
  const told = onGrant('Connection Needs Reauth', row, about, { attemptId, reason: row.reason });
  const clock = ENDED[row.reason ?? ''];
  if (clock === undefined) return [told, ...accessExpired(row, about)];
  return [told, onGrant('Connection Expired', row, about, { attemptId, reason: clock })];
}

/** Which clock of the authorisation a verdict says has run out. */
const ENDED: Readonly<Record<string, 'idle' | 'hard'>> = { idle_expired: 'idle', hard_expired: 'hard' };

/**
 * Callers get no token: the access token of a grant in use has run out and could not be replaced. Told with the first attempt
 * that fails after that moment, because each later one finds the failure before it there too.
 */
function accessExpired(row: AuditRow, about: About): readonly LifecycleEvent[] {
  const key = grantOf(row);
  const facts = key === undefined ? undefined : about.recall(key);
  const { accessExpiresAt = Number.POSITIVE_INFINITY, failedAt, lastUsedAt } = facts ?? {};
  const wasTold = failedAt !== undefined && failedAt >= accessExpiresAt;
  const isMissed = lastUsedAt !== undefined && isInUse({ lastUsedAt }, row.at);
  if (accessExpiresAt > row.at || wasTold || !isMissed) return [];
  return [onGrant('Connection Expired', row, about, { attemptId: idOf(row), reason: 'access_token' })];
}

type Told = { readonly [K in keyof LifecycleEvent]?: LifecycleEvent[K] | undefined };

/** An event of the row's grant, with the organisations it serves as far as they are known. */
function onGrant(type: EventType, row: AuditRow, { recall }: About, told: Told): LifecycleEvent {
  const grant = grantOf(row);
  const organizationIds = grant === undefined ? undefined : recall(grant)?.organizationIds;
  return event(type, row, { grant, organizationIds, ...told });
}

function event(type: EventType, row: AuditRow, told: Told): LifecycleEvent {
  const known = Object.entries(told).filter(([, value]) => value !== undefined);
  return { type, at: row.at, provider: row.provider, ...Object.fromEntries(known) };
}

function grantOf({ pk }: AuditRow): GrantKey | undefined {
  return pk.startsWith('GRANT#') ? (pk.slice('GRANT#'.length) as GrantKey) : undefined;
}

function organizationOf({ organizationId }: AuditRow): readonly string[] | undefined {
  return organizationId === undefined ? undefined : [organizationId];
}

/** The part of the sort key that names what the row is of: an attempt, a flow. */
function idOf({ sk }: AuditRow): string | undefined {
  return sk.split('#')[1];
}

function linkedIn({ writes }: Transaction): Connection | undefined {
  const found = writes.find((write) => write.table === 'connections' && write.op === 'put' && 'grant' in write.item);
  return found?.op === 'put' ? (found.item as Connection) : undefined;
}

function grantIn({ writes }: Transaction): GrantKey | undefined {
  return writes.find(({ table }) => table === 'grants')?.key.pk as GrantKey | undefined;
}

function attemptIn({ writes }: Transaction): Attempt | undefined {
  for (const write of writes) {
    const attempt = write.table === 'grants' ? fieldsWritten(write as WriteOn<'grants'>)?.attempt : undefined;
    if (attempt !== undefined) return attempt;
  }
  return undefined;
}

function fieldsWritten(write: WriteOn<'grants'>): Partial<GrantFields> | undefined {
  if (write.op === 'put') return write.item;
  return write.op === 'update' ? (write.set as Partial<GrantFields> | undefined) : undefined;
}
