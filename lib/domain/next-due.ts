import { createHash } from 'node:crypto';
import { type Margins, refreshAheadMs } from './freshness.ts';
import type { GrantFields, Instant } from './grant.ts';
import { hasFailedRefresh, isFreeNow } from './grant-conditions.ts';

/** When a grant is next looked at by the sweep. One pure function, so that no writer can forget a reason (I11). */

/** A grant is refreshed ahead of expiry only while somebody uses it. */
const IN_USE_MS = 24 * 3600_000;
/** A grant that serves nobody is closed after this long: time enough to finish a choice of company. */
export const UNSERVED_MS = 10 * 60_000;
/** The first look at the companies after a link. */
export const FIRST_TENANT_CHECK_MS = 2 * 60_000;
/** Share of a margin by which grants are spread, so that a thousand linked at once do not refresh at once. */
const REFRESH_SPREAD = 0.2;
const KEEP_ALIVE_SPREAD = 0.1;

export interface DuePolicy {
  readonly margins: Margins;
  /** The provider is told company by company, with a live access token, that they are left. */
  readonly detaches?: boolean;
}

/** What of a grant decides when it is due. */
export type DueFacts = Pick<
  GrantFields,
  | 'pk'
  | 'status'
  | 'orgs'
  | 'unservedSince'
  | 'access'
  | 'notBefore'
  | 'attempt'
  | 'doubts'
  | 'detach'
  | 'lastUsedAt'
  | 'lastRefreshedAt'
  | 'tenantCheckAt'
  | 'tenantCheckedAt'
  | 'tokenVersion'
>;

/**
 * The earliest of its reasons, but never before `notBefore` or the end of a lease; undefined only for a closed grant.
 * A running attempt is due when its lease ends, so one that died is found; from then on its lease is no reason any more.
 */
export function nextDue(grant: DueFacts, policy: DuePolicy, now: Instant): Instant | undefined {
  if (grant.status === 'closed') return undefined;
  if (grant.attempt?.outcome === undefined && !isFreeNow(grant, now)) return grant.attempt?.until;
  return Math.max(earliestReason(grant, policy, now), grant.notBefore ?? 0, grant.attempt?.until ?? 0);
}

/** When an active grant is refreshed: ahead of expiry while in use, otherwise to keep it alive. */
export function refreshDueAt(grant: DueFacts, policy: DuePolicy, now: Instant): Instant {
  const spread = spreadOf(grant);
  const keepAliveMs = policy.margins.keepAliveSeconds * 1000 * (1 - KEEP_ALIVE_SPREAD * spread);
  const keepAliveAt = Math.floor((grant.lastRefreshedAt ?? now) + keepAliveMs);
  if (grant.access === undefined || !isInUse(grant, now)) return keepAliveAt;
  const aheadMs = refreshAheadMs(grant.access, policy.margins) * (1 - REFRESH_SPREAD * spread);
  return Math.min(keepAliveAt, Math.ceil(grant.access.expiresAt - aheadMs));
}

/**
 * A refresh was tried and none has succeeded since. What it may have rotated is lost unless another one follows within the
 * provider's grace, so it is repeated even where the access token would last, or nobody uses it.
 */
export function owesRetry(grant: Pick<GrantFields, 'attempt' | 'tokenVersion' | 'doubts'>): boolean {
  return hasFailedRefresh(grant) || Object.keys(grant.doubts).length > 0;
}

/** It has served nobody for so long that no flow can want it any more, and owes nothing: it is to be closed. */
export function isUnserved(grant: Pick<GrantFields, 'orgs' | 'unservedSince' | 'detach'>, now: Instant): boolean {
  const since = grant.unservedSince ?? now;
  return grant.orgs === undefined && Object.keys(grant.detach).length === 0 && since + UNSERVED_MS <= now;
}

/** Whether somebody asked for its token in the last 24 hours. */
function isInUse(grant: Pick<GrantFields, 'lastUsedAt'>, now: Instant): boolean {
  return grant.lastUsedAt !== undefined && now - grant.lastUsedAt < IN_USE_MS;
}

function earliestReason(grant: DueFacts, policy: DuePolicy, now: Instant): Instant {
  if (grant.status === 'closing' || Object.keys(grant.detach).length > 0) return now;
  const reasons = [refreshDueAt(grant, policy, now)];
  if (grant.status === 'suspect' || owesRetry(grant)) reasons.push(grant.notBefore ?? now);
  if (grant.orgs === undefined) reasons.push((grant.unservedSince ?? now) + UNSERVED_MS);
  if (grant.tenantCheckAt !== undefined && grant.orgs !== undefined) reasons.push(grant.tenantCheckAt);
  return Math.min(...reasons);
}

/** 0 ≤ spread < 1, the same for the same grant and token version wherever it is computed. */
function spreadOf(grant: Pick<GrantFields, 'pk' | 'tokenVersion'>): number {
  const hash = createHash('sha256').update(`${grant.pk}#${grant.tokenVersion}`).digest();
  return hash.readUInt32BE(0) / 2 ** 32;
}
