import { createHash } from 'node:crypto';
import type { AuditRow } from './audit.ts';
import { DUE_SHARDS, type ProviderEnvironment, type ProviderId, SUSPECT_SHARDS } from './names.ts';
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

export const MAX_HELD = 4;

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
  readonly held: Readonly<Record<string, HeldToken>>;
  readonly rejections?: Rejections;
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

/** Partition of the due index: `<provider>#<00-15>`, and `<provider>#suspect#<00-03>` for suspects, so they can be counted. */
export function duePartition(
  grant: { readonly pk: GrantKey; readonly provider: ProviderId },
  status: GrantStatus,
): string {
  const hash = createHash('sha256').update(grant.pk).digest().readUInt32BE(0);
  const suspect = status === 'suspect';
  const shard = String(hash % (suspect ? SUSPECT_SHARDS : DUE_SHARDS)).padStart(2, '0');
  return suspect ? `${grant.provider}#suspect#${shard}` : `${grant.provider}#${shard}`;
}

/** All partitions of a provider's due index. */
export function duePartitions(provider: ProviderId): string[] {
  const shards = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, shard) => `${prefix}#${String(shard).padStart(2, '0')}`);
  return [...shards(DUE_SHARDS, provider), ...shards(SUSPECT_SHARDS, `${provider}#suspect`)];
}
