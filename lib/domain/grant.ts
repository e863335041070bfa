import { hash } from 'node:crypto';
import type { AuditRow } from './audit.ts';
import { DUE_SHARDS, type ProviderEnvironment, type ProviderId, RECOVERY_SHARDS, SUSPECT_SHARDS } from './names.ts';
import type { GrantKey, Instant, OutcomeKind } from './terms.ts';

export type { GrantKey, Instant, OutcomeKind } from './terms.ts';

/**
 * One encrypted token. `attemptId` names the attempt the token was obtained under; it is part of the authenticated data,
 * so the ciphertext does not open under any other. `scope` is present only where the subject was unknown when the data key
 * was fetched (a code exchange at Xero): it then stands for the grant in the KMS encryption context, while the
 * authenticated data still names the grant.
 */
export interface Sealed {
  readonly attemptId: string;
  readonly ciphertext: Uint8Array;
  readonly dataKey: Uint8Array;
  readonly scope?: string;
}

export interface AccessToken extends Sealed {
  /** When the request that obtained it was sent; with `expiresAt` it gives the token's life. */
  readonly obtainedAt: Instant;
  /** Send time + expires_in. */
  readonly expiresAt: Instant;
}

export interface RefreshToken extends Sealed {
  readonly generation: string;
  /** Number of the attempt it was obtained under. */
  readonly version: number;
}

/** Why a refresh token that is not current is kept. */
export type HeldReason = 'late' | 'displaced' | 'previous';

export interface HeldToken extends RefreshToken {
  readonly why: HeldReason;
  readonly since: Instant;
}

/**
 * Some 6 kB each, far below what an item may hold. With four, five authorisations of one user within minutes, some of them
 * stored late, pushed the only good one out (simulation, one seed in 30,000).
 */
export const MAX_HELD = 8;

/** `exchange`: a new authorisation of a closing grant is under way and holds its revocation off. */
export type AttemptKind = 'refresh' | 'detach' | 'revoke' | 'exchange';

/** The attempt that is also the lease (protocol.md, write 1). With an `outcome` it has reported. */
export interface Attempt {
  readonly number: number;
  readonly id: string;
  readonly kind: AttemptKind;
  readonly startedAt: Instant;
  readonly until: Instant;
  readonly outcome?: OutcomeKind;
}

export interface Rejections {
  readonly count: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

/** Why the last attempt did not succeed: a class and a word of ours, never provider text. */
export interface Failure {
  readonly outcome: Exclude<OutcomeKind, 'OK'>;
  readonly reason: string;
  readonly at: Instant;
  /** Attempts in a row without success; drives the backoff. */
  readonly consecutive: number;
}

/**
 * Why a grant was given up (write 9). hard_expired and idle_expired: its own dates say so. lost_rotation: an answer that may
 * have rotated never reached us. user_revoked: nothing else explains it, while other grants of the provider succeed. unknown:
 * given up without the evidence of others.
 */
export const REAUTH_REASONS = ['user_revoked', 'idle_expired', 'hard_expired', 'lost_rotation', 'unknown'] as const;
export type ReauthReason = (typeof REAUTH_REASONS)[number];

/** The verdict on a grant, and how often it has been probed since. */
export interface Reauth {
  readonly reason: ReauthReason;
  readonly since: Instant;
  readonly probes: number;
}

/** Days before the end at which the last warning was given, by the clock that runs out. */
export interface Warned {
  readonly idle?: number;
  readonly hard?: number;
}

/** A Xero connection that has to be removed at the provider. */
export interface DetachDuty {
  readonly tenantId: string;
  readonly since: Instant;
}

interface GrantBase {
  readonly v: 1;
  readonly pk: GrantKey;
  readonly provider: ProviderId;
  readonly subject: string;
  /** ULID chosen before a code exchange; changes on each authorisation and when the grant is closed. */
  readonly generation: string;
  readonly clientId: string;
  readonly environment: ProviderEnvironment;
  readonly scopes: readonly string[];
  /** Organisations served; absent means nobody (DynamoDB has no empty sets). */
  readonly orgs?: ReadonlySet<string>;
  /** Since when the grant serves nobody; after ten minutes the sweep closes it. */
  readonly unservedSince?: Instant;
  /** Number of the last attempt; never reset. */
  readonly number: number;
  /** Number of the attempt under which `current` was obtained; never decreases. */
  readonly tokenVersion: number;
  readonly attempt?: Attempt;
  /** Attempt number → startedAt of attempts that never reported. */
  readonly doubts: Readonly<Record<string, Instant>>;
  readonly notBefore?: Instant;
  /** When the first attempt since the last success began whose answer was lost; a provider's grace runs from then. */
  readonly unansweredSince?: Instant;
  readonly held: Readonly<Record<string, HeldToken>>;
  readonly rejections?: Rejections;
  /** Only while given up. */
  readonly reauth?: Reauth;
  readonly warned?: Warned;
  /** Provider connection id → duty. */
  readonly detach: Readonly<Record<string, DetachDuty>>;
  /** An audit row that could not be written with its transition; the next attempt writes it. */
  readonly auditOwed?: AuditRow;
  readonly refreshExpiresAt?: Instant;
  readonly hardExpiresAt?: Instant;
  readonly lastUsedAt?: Instant;
  readonly lastRefreshedAt?: Instant;
  /** When a refresh was last asked for because an API rejected the token; limits that to one a minute. */
  readonly forcedAt?: Instant;
  /** When the companies it serves are next looked up at the provider, and when they last were (protocol.md, write 20). */
  readonly tenantCheckAt?: Instant;
  readonly tenantCheckedAt?: Instant;
  readonly refreshCount: number;
  readonly failedRefreshCount: number;
  readonly failure?: Failure;
  readonly duePartition?: string;
  readonly dueAt?: Instant;
}

/** active: refreshed as usual. suspect: the provider rejected it, being confirmed. needs_reauth: given up, still probed. */
export interface LivingGrant extends GrantBase {
  readonly status: 'active' | 'suspect' | 'needs_reauth';
  readonly current: RefreshToken;
  readonly access: AccessToken;
}

/** Serves nobody any more; its tokens wait to be revoked. */
export interface ClosingGrant extends GrantBase {
  readonly status: 'closing';
  readonly current?: RefreshToken;
}

/** Holds no token and owes nothing. Kept, so that numbers never restart. */
export interface ClosedGrant extends GrantBase {
  readonly status: 'closed';
}

export type Grant = LivingGrant | ClosingGrant | ClosedGrant;
export type GrantStatus = Grant['status'];

/** Every attribute a grant item may have, for writes. */
export type GrantFields = GrantBase & {
  readonly status: GrantStatus;
  readonly current?: RefreshToken;
  readonly access?: AccessToken;
};

/** Key of the grant of a subject at a provider. */
export function grantKey(provider: ProviderId, subject: string): GrantKey {
  return `${provider}#${subject}`;
}

/** Whether the grant has tokens that are to be kept fresh. */
export function isLiving(grant: Grant): grant is LivingGrant {
  return grant.status === 'active' || grant.status === 'suspect' || grant.status === 'needs_reauth';
}

/** Whether an attempt holds the lease at `now`. One that has reported may still hold it for the provider's sake. */
export function isLeased(grant: Pick<Grant, 'attempt'>, now: Instant): boolean {
  return grant.attempt !== undefined && grant.attempt.until > now;
}

/** The last attempt was a refresh, no token came of it, and none has come since. */
export function hasFailedRefresh({ attempt, tokenVersion }: Pick<GrantFields, 'attempt' | 'tokenVersion'>): boolean {
  return attempt?.kind === 'refresh' && attempt.outcome !== 'OK' && attempt.number > tokenVersion;
}

/**
 * An answer may have been lost, or is still awaited: a refresh that has not reported, a doubt, or one that ended UNKNOWN.
 * What it may have rotated is gone unless a refresh succeeds within the provider's grace.
 */
function awaitsRecovery(grant: Pick<GrantFields, 'attempt' | 'tokenVersion' | 'doubts' | 'unansweredSince'>): boolean {
  if (grant.unansweredSince !== undefined || hasDoubts(grant)) return true;
  return grant.attempt?.outcome === undefined && hasFailedRefresh(grant);
}

/** Whether an attempt that never reported has not been settled by a success since. */
export function hasDoubts({ doubts }: Pick<GrantFields, 'doubts'>): boolean {
  for (const _ in doubts) return true;
  return false;
}

/** What of a grant decides in which partition of the due index it stands. */
export type PartitionFacts = Pick<
  GrantFields,
  'pk' | 'provider' | 'status' | 'attempt' | 'tokenVersion' | 'doubts' | 'unansweredSince'
>;

/**
 * Partition of the due index of a grant as it is after a write: `<provider>#suspect#<00-03>` for suspects, so they can be
 * counted, `<provider>#recovery#<00-03>` for active ones whose answer may be lost, because a provider's grace is running,
 * else `<provider>#<00-15>`.
 */
export function duePartition(grant: PartitionFacts): string {
  if (grant.status === 'suspect') return shardOf(grant.pk, `${grant.provider}#suspect`, SUSPECT_SHARDS);
  if (grant.status === 'active' && awaitsRecovery(grant)) {
    return shardOf(grant.pk, `${grant.provider}#recovery`, RECOVERY_SHARDS);
  }
  return shardOf(grant.pk, grant.provider, DUE_SHARDS);
}

/** All partitions of a provider's due index, those of answers that may be lost first. */
export function duePartitions(provider: ProviderId): string[] {
  return [...recoveryPartitions(provider), ...shards(provider, DUE_SHARDS), ...suspectPartitions(provider)];
}

/** Where a provider's suspects stand, and nothing else. */
export function suspectPartitions(provider: ProviderId): string[] {
  return shards(`${provider}#suspect`, SUSPECT_SHARDS);
}

/** Where a provider's active grants stand whose answer may be lost, and nothing else. */
export function recoveryPartitions(provider: ProviderId): string[] {
  return shards(`${provider}#recovery`, RECOVERY_SHARDS);
}

function shards(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, shard) => partition(prefix, shard));
}

function shardOf(pk: GrantKey, prefix: string, count: number): string {
  return partition(prefix, hash32(pk) % count);
}

function partition(prefix: string, shard: number): string {
  return `${prefix}#${String(shard).padStart(2, '0')}`;
}

const MAX_HASHES = 20_000;
const hashes = new Map<string, number>();

/** The same evenly spread 32 bits for the same text, everywhere. Remembered, because every write of a grant asks for them. */
export function hash32(text: string): number {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  if (hashes.size >= MAX_HASHES) hashes.clear();
  const value = hash('sha256', text, 'buffer').readUInt32BE(0);
  hashes.set(text, value);
  return value;
}
