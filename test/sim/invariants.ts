import { duePartitions, type GrantFields, type Instant, MAX_HELD, suspectPartitions } from '../../lib/domain/grant.ts';
import { PROVIDER_IDS } from '../../lib/domain/names.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { DAY, HOUR, MINUTE } from '../support/grants.ts';
import { type GrantChange, isLeasedRecord, isLivingRecord } from './changes.ts';

/**
 * The invariants of design §5 that one change of a grant can break. Each answers what is wrong, or nothing. They look
 * at records and at what the provider holds true, never at what the code under test thinks of them.
 */

/** What the world knows that a record does not say. */
export interface Truth {
  readonly now: Instant;
  /** The provider would accept a token that this grant has, somewhere with us. */
  readonly hasGoodToken: boolean;
  /** …and it is the current one. */
  readonly hasGoodCurrent: boolean;
  /** The provider has lately refused tokens that are good. */
  readonly wasDenied: boolean;
  /**
   * …those of this grant alone, at some time since its first rejection: nobody can tell that from a user who revoked.
   */
  readonly wasSuspended: boolean;
  /** An audit row of that attempt or generation is in the table. */
  hasRow(id: string): boolean;
}

type Check = (change: GrantChange, truth: Truth) => string | undefined;

/** Clocks of two processes may differ by so much. */
const CLOCKS_MS = 3_000;
const LEASE_MS = 125_000;
/** The longest wait that anything may ask for: Retry-After is clamped to an hour. */
const LONGEST_WAIT_MS = HOUR;
const KEEP_ALIVE_MS = 14 * DAY;

/** Where the sweep looks, and where it counts suspects. */
const SWEPT: ReadonlySet<string> = new Set(PROVIDER_IDS.flatMap(duePartitions));
const COUNTED: ReadonlySet<string> = new Set(PROVIDER_IDS.flatMap(suspectPartitions));

const versions: Check = ({ before, after }) => {
  if (before === undefined) return undefined;
  if (after.tokenVersion < before.tokenVersion)
    return `I1: tokenVersion ${before.tokenVersion} became ${after.tokenVersion}`;
  if (after.number < before.number) return `I1: number ${before.number} became ${after.number}`;
  const [earlier = 0, later = earlier] = [before.attempt?.number, after.attempt?.number];
  return later < earlier ? `I4: attempt ${later} has put itself in the place of attempt ${earlier}` : undefined;
};

const verdicts: Check = ({ before, after, rows }, truth) => {
  if (after.status === before?.status) return undefined;
  if (after.status === 'needs_reauth' && truth.hasGoodToken && !truth.wasSuspended)
    return 'I3: given up with a good token at hand';
  const isRestored = rows.some(({ event }) => event === 'grant.restored');
  if (
    after.status === 'suspect' &&
    before?.status === 'active' &&
    truth.hasGoodCurrent &&
    !truth.wasDenied &&
    !isRestored
  )
    return 'I3: suspect with a good token';
  return undefined;
};

const currents: Check = ({ before, after, rows }) => {
  if (after.current === undefined) return undefined;
  if (after.current.generation !== after.generation && isLivingRecord(after))
    return `I5: a token of generation ${after.current.generation} is current in ${after.generation}`;
  if (before === undefined || after.current.attemptId === before.current?.attemptId) return undefined;
  const isIssued = rows.length === 0 || rows.some(({ event }) => event === 'attempt.ok' || event === 'grant.banked');
  if (before.held[after.current.attemptId] !== undefined || !isIssued)
    return 'I5: a token became current without a success';
  return undefined;
};

/** Each turn of a grant has exactly one row, or owes it, or it is there already. */
const rows: Check = (change, truth) => {
  const { before, after, rows: written, transaction } = change;
  const owed = before?.auditOwed;
  const isForgotten =
    owed !== undefined && after.auditOwed?.sk !== owed.sk && !written.some(({ sk }) => sk === owed.sk);
  if (isForgotten && !truth.hasRow(owed.sk)) return `I9: the row owed (${owed.event}) is forgotten`;
  if (!isTurn(before, after)) return undefined;
  const own = written.filter(
    ({ pk, sk, event }) => pk === `GRANT#${after.pk}` && event !== 'attempt.doubt' && sk !== owed?.sk,
  );
  const newlyOwed = after.auditOwed !== undefined && after.auditOwed.sk !== owed?.sk ? 1 : 0;
  const count = own.length + newlyOwed;
  if (count === 1) return undefined;
  if (count === 0 && transaction.token.endsWith('.a') && idsOf(after).some((id) => truth.hasRow(id))) return undefined;
  return `I9: a turn to ${after.status} with ${count} audit rows`;
};

const dues: Check = ({ after }, { now }) => {
  if (after.status === 'closed') return after.dueAt === undefined ? undefined : 'I11: a closed grant is due';
  const { dueAt, duePartition } = after;
  if (dueAt === undefined || duePartition === undefined) return `I11: ${after.status} and never due`;
  if (!SWEPT.has(duePartition)) return `I11: due in ${duePartition}, where nobody looks`;
  const isCounted = COUNTED.has(duePartition);
  if (isCounted !== (after.status === 'suspect')) return `I11: ${after.status} stands in ${duePartition}`;
  const latest = latestDue(after, now);
  return dueAt <= latest ? undefined : `I11: ${after.status} is due at ${dueAt}, ${dueAt - latest} ms too late`;
};

/** By when the sweep must find it, whatever the code computes. */
function latestDue(grant: GrantFields, now: Instant): Instant {
  const { attempt, notBefore = 0, access, lastUsedAt = 0 } = grant;
  const until = attempt?.until ?? 0;
  if (isLeasedRecord(grant) && until > now) return until;
  const soon = Math.max(now + CLOCKS_MS, until, notBefore);
  const owes = Object.keys(grant.detach).length > 0 || Object.keys(grant.doubts).length > 0;
  const hasFailed = attempt?.kind === 'refresh' && attempt.outcome !== 'OK' && attempt.number > grant.tokenVersion;
  // What is owed waits for the user then; the probes go on.
  if (grant.status === 'needs_reauth') return Math.max(soon, now + KEEP_ALIVE_MS);
  if (grant.status === 'closing' || grant.status === 'suspect' || owes) return soon;
  if (hasFailed) return soon;
  if (grant.orgs === undefined) return Math.max(soon, now + 10 * MINUTE + CLOCKS_MS);
  if (access !== undefined && now - lastUsedAt < DAY - CLOCKS_MS) return Math.max(soon, access.expiresAt);
  return Math.max(soon, (grant.lastRefreshedAt ?? now) + KEEP_ALIVE_MS + CLOCKS_MS);
}

const waits: Check = ({ after }, { now }) => {
  const { notBefore = 0, attempt } = after;
  if (notBefore > now + LONGEST_WAIT_MS + CLOCKS_MS && after.status !== 'needs_reauth')
    return `waits until ${notBefore}`;
  if ((attempt?.until ?? 0) > now + LEASE_MS + CLOCKS_MS) return `leased until ${attempt?.until}`;
  // What is to be revoked is not bounded by what is to be tried.
  const isTooMuch = isLivingRecord(after) && Object.keys(after.held).length > MAX_HELD;
  return isTooMuch ? `more than ${MAX_HELD} tokens held` : undefined;
};

const CHECKS: readonly Check[] = [versions, verdicts, currents, rows, dues, waits];

/** What a change breaks, or nothing. */
export function brokenBy(change: GrantChange, truth: Truth): string | undefined {
  for (const check of CHECKS) {
    const problem = check(change, truth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isTurn(before: GrantFields | undefined, after: GrantFields): boolean {
  const { attempt } = after;
  const isReport =
    attempt?.outcome !== undefined && attempt.outcome !== 'OK' && attempt.outcome !== before?.attempt?.outcome;
  return (
    before?.status !== after.status ||
    before.generation !== after.generation ||
    before.tokenVersion !== after.tokenVersion ||
    (isReport && attempt.id === before.attempt?.id)
  );
}

function idsOf({ attempt, current, generation, held }: GrantFields): string[] {
  return [attempt?.id, current?.attemptId, generation, ...Object.keys(held)].filter((id) => id !== undefined);
}

/** Whether there is a plaintext anywhere in a value (I7). */
export function plaintextIn(value: unknown, marker: string): boolean {
  if (typeof value === 'string') return value.length > marker.length && value.includes(marker);
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Uint8Array) return value.length > marker.length && Buffer.from(value).includes(marker);
  const members = Array.isArray(value) || value instanceof Set ? value : Object.values(value);
  for (const member of members) {
    const isPlain = typeof member !== 'number' && member !== undefined && plaintextIn(member, marker);
    if (isPlain) return true;
  }
  return false;
}

/** What a transaction brings into the store; its conditions stay outside. */
export function* broughtBy({ writes }: Transaction): Iterable<unknown> {
  for (const write of writes) {
    if (write.op === 'put') yield write.item;
    if (write.op !== 'update') continue;
    if (write.set !== undefined) yield write.set;
    if (write.setEntries !== undefined) yield write.setEntries;
  }
}
