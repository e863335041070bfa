import { type AuditRow, auditRow } from './audit.ts';
import {
  type Attempt,
  type AttemptKind,
  duePartition,
  type Grant,
  type GrantFields,
  type Instant,
  isLiving,
} from './grant.ts';
import {
  after,
  generationIs,
  isFree,
  isFreeNow,
  mayStart,
  numberIs,
  servesNobody,
  statusIs,
  tokenVersionIs,
  updateGrant,
} from './grant-conditions.ts';
import { appendAudit, type Transaction, transactionToken } from './write.ts';

/** Write 1 of protocol.md: the attempt is recorded before anything is sent, and that record is the lease. */

/** An attempt may take this long and starts only when its function has more left. */
export const ATTEMPT_MS = 70_000;
/** Callers whose token an API rejected can cause one refresh of a grant in this time, however many they are. */
export const FORCED_EVERY_MS = 60_000;
/** Budget + longest provider answer + clock slack: a holder cannot outlive its lease. */
export const LEASE_MS = 125_000;

export interface AcquireInput {
  readonly kind: AttemptKind;
  /** ULID. */
  readonly attemptId: string;
  readonly now: Instant;
  /** The refresh was asked for by a caller whose token an API rejected. */
  readonly forced?: boolean;
  /** At least, and by default, `LEASE_MS`. */
  readonly leaseMs?: number;
}

export type AcquireDecision =
  | { readonly kind: 'acquire'; readonly transaction: Transaction; readonly attempt: Attempt }
  | { readonly kind: 'refused'; readonly why: 'leased' | 'backing_off' | 'not_allowed'; readonly until?: Instant };

/** The write that takes the lease on the grant as read, or why it cannot be taken now. */
export function decideAcquire(grant: Grant, input: AcquireInput): AcquireDecision {
  const { kind, attemptId, now, leaseMs = LEASE_MS } = input;
  if (!isAllowed(grant, kind)) return { kind: 'refused', why: 'not_allowed' };
  if (!isFreeNow(grant, now)) return { kind: 'refused', why: 'leased', until: grant.attempt?.until ?? now };
  if (kind !== 'exchange' && grant.notBefore !== undefined && grant.notBefore > now) {
    return { kind: 'refused', why: 'backing_off', until: grant.notBefore };
  }
  const attempt: Attempt = { number: grant.number + 1, id: attemptId, kind, startedAt: now, until: now + leaseMs };
  return { kind: 'acquire', attempt, transaction: acquireTransaction(grant, attempt, input) };
}

function isAllowed(grant: Grant, kind: AttemptKind): boolean {
  switch (kind) {
    case 'refresh':
      return isLiving(grant);
    case 'detach':
      return grant.status !== 'closed';
    case 'revoke':
      return grant.status === 'closing' && grant.orgs === undefined;
    case 'exchange':
      return grant.status === 'closing';
  }
}

function acquireTransaction(grant: Grant, attempt: Attempt, input: AcquireInput): Transaction {
  const { now } = input;
  const doubt = doubted(grant);
  const when = [
    generationIs(grant.generation),
    tokenVersionIs(grant.tokenVersion),
    numberIs(grant.number),
    statusIs(grant.status),
    isFree(now),
    // The wait is for the provider's sake, who is asked for something else by an exchange.
    ...(attempt.kind === 'exchange' ? [] : [mayStart(now)]),
    ...(attempt.kind === 'revoke' ? [servesNobody] : []),
  ];
  const write = updateGrant(grant, when, {
    set: { ...changes(grant, attempt), ...(input.forced ? { forcedAt: now } : {}) },
    ...(doubt === undefined ? {} : { setEntries: { doubts: { [doubt.number]: doubt.startedAt } } }),
    ...(grant.auditOwed === undefined ? {} : { remove: ['auditOwed'] }),
  });
  const rows = [
    ...(doubt === undefined ? [] : [doubtRow(grant, doubt, now)]),
    ...(grant.auditOwed === undefined ? [] : [grant.auditOwed]),
  ];
  return { token: transactionToken(attempt.id, 'acquire', grant.number), writes: [write, ...rows.map(appendAudit)] };
}

/** What the lease sets. The partition follows from the grant as it is then: a refresh that has begun may lose its answer. */
function changes(grant: Grant, attempt: Attempt) {
  const unansweredSince = unansweredWith(grant);
  const set = {
    number: attempt.number,
    attempt,
    dueAt: attempt.until,
    ...(unansweredSince === undefined ? {} : { unansweredSince }),
  } as const satisfies Partial<GrantFields>;
  return { ...set, duePartition: duePartition(after(grant, { ...set, doubts: doubtsWith(grant) })) };
}

/** An earlier attempt that took the lease and never said how it ended: its token may still arrive. */
function doubted({ attempt }: Grant): Attempt | undefined {
  return attempt?.outcome === undefined ? attempt : undefined;
}

function doubtsWith(grant: Grant): Readonly<Record<string, Instant>> {
  const doubt = doubted(grant);
  return doubt === undefined ? grant.doubts : { ...grant.doubts, [doubt.number]: doubt.startedAt };
}

/** A refresh in doubt may have been answered. Nothing that came before a newer token can have been lost. */
function unansweredWith(grant: Grant): Instant | undefined {
  const doubt = doubted(grant);
  const isLost = doubt?.kind === 'refresh' && doubt.number > grant.tokenVersion;
  return grant.unansweredSince ?? (isLost ? doubt.startedAt : undefined);
}

function doubtRow(grant: Grant, doubt: Attempt, now: Instant): AuditRow {
  return auditRow({
    pk: `GRANT#${grant.pk}`,
    id: doubt.id,
    event: 'attempt.doubt',
    provider: grant.provider,
    at: now,
    startedAt: doubt.startedAt,
    number: doubt.number,
    reason: `${doubt.kind}_never_reported`,
  });
}

/** The grant as it stands once the acquiring write has gone through. */
export function acquired(grant: Grant, attempt: Attempt): Grant {
  const { auditOwed: _, ...rest } = grant;
  return { ...rest, ...changes(grant, attempt), doubts: doubtsWith(grant) };
}
