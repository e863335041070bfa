import { freshnessOf, type Margins, refreshAheadMs } from './freshness.ts';
import { type GrantFields, hasDoubts, hasFailedRefresh, hash32, type Instant } from './grant.ts';
import { isFreeNow } from './grant-conditions.ts';
import { nextWarningAt } from './warnings.ts';

/** When a grant is next looked at by the sweep. One pure function, so that no writer can forget a reason (I11). */

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** A grant is refreshed ahead of expiry only while somebody uses it. */
const IN_USE_MS = DAY_MS;
/** A grant that serves nobody is closed after this long: time enough to finish a choice of company. */
export const UNSERVED_MS = 10 * 60_000;
/** The first look at the companies after a link. */
export const FIRST_TENANT_CHECK_MS = 2 * 60_000;
/** Duties and checks send the access token; it must outlive the request. */
const DUTY_VALIDITY_MS = 60_000;
/** What an attempt ends with whose access token the provider's API refused. */
export const ACCESS_REFUSED = 'detach_unauthorized';
/** A token refused so soon after it was obtained is not refused for its age: a newer one would be refused too. */
const RENEW_AFTER_MS = 10 * 60_000;
/** Share of a margin by which grants are spread, so that a thousand linked at once do not refresh at once. */
const REFRESH_SPREAD = 0.2;
const KEEP_ALIVE_SPREAD = 0.1;
/** When a grant that was given up is probed, counted from then: after 1, 6 and 24 hours, and daily for a week. */
const PROBES_MS = [HOUR_MS, 6 * HOUR_MS, ...[1, 2, 3, 4, 5, 6, 7].map((day) => day * DAY_MS)];
/** Afterwards nobody expects it back, and what it owes the provider is given up too. */
const PROBING_MS = 7 * DAY_MS;

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
  | 'unansweredSince'
  | 'detach'
  | 'rejections'
  | 'reauth'
  | 'warned'
  | 'refreshExpiresAt'
  | 'hardExpiresAt'
  | 'lastUsedAt'
  | 'lastRefreshedAt'
  | 'tenantCheckAt'
  | 'tenantCheckedAt'
  | 'tokenVersion'
  | 'failure'
>;

/**
 * The earliest of its reasons, but never before the end of a lease, and where the provider is to be asked not before
 * `notBefore`; undefined only for a closed grant. A running attempt is due when its lease ends, so one that died is found;
 * from then on its lease is no reason any more.
 */
export function nextDue(grant: DueFacts, policy: DuePolicy, now: Instant): Instant | undefined {
  if (grant.status === 'closed') return undefined;
  if (grant.attempt?.outcome === undefined && !isFreeNow(grant, now)) return grant.attempt?.until;
  const atProvider = Math.max(reasonToAsk(grant, policy, now), grant.notBefore ?? 0);
  return Math.max(Math.min(atProvider, reasonOfOurs(grant, policy, now)), grant.attempt?.until ?? 0);
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
export function owesRetry(
  grant: Pick<GrantFields, 'attempt' | 'tokenVersion' | 'doubts' | 'unansweredSince'>,
): boolean {
  return grant.unansweredSince !== undefined || hasFailedRefresh(grant) || hasDoubts(grant);
}

/**
 * When a grant that was given up is probed again. A probe nobody answered is repeated; one that was rejected is followed by
 * the next of the schedule, and after the first week by one per keep-alive, so that a grant that lives on is always due
 * (I11) and every verdict can still be reversed (I10).
 */
export function probeDueAt(grant: DueFacts, policy: DuePolicy, now: Instant): Instant {
  if (hasFailedRefresh(grant) && grant.attempt?.outcome !== 'REJECTED') return grant.notBefore ?? now;
  const lastAt = grant.rejections?.lastAt ?? grant.reauth?.since ?? now;
  return nextProbeAt(grant.reauth?.since ?? lastAt, lastAt, policy);
}

/** The first probe of the schedule after `lastAt`, for a grant given up at `since`. */
export function nextProbeAt(since: Instant, lastAt: Instant, policy: Pick<DuePolicy, 'margins'>): Instant {
  for (const offsetMs of PROBES_MS) if (since + offsetMs > lastAt) return since + offsetMs;
  return lastAt + policy.margins.keepAliveSeconds * 1000;
}

/**
 * When a provider's grace for a refresh whose answer was lost ends: until then the token that was sent is accepted again.
 * Undefined when no answer is missing, or the provider knows no grace.
 */
export function graceEndsAt(
  { unansweredSince }: Pick<GrantFields, 'unansweredSince'>,
  graceSeconds: number,
): Instant | undefined {
  return unansweredSince === undefined || graceSeconds === 0 ? undefined : unansweredSince + graceSeconds * 1000;
}

/**
 * A wait for a grant with a lost answer: at most half of what is left of the grace, so that several tries are made before
 * it ends, whatever a backoff or a provider's Retry-After ask for, but never less than `floorMs`.
 */
export function waitWithinGrace(
  waitMs: number,
  { endsAt, floorMs, now }: { readonly endsAt: Instant | undefined; readonly floorMs: number; readonly now: Instant },
): number {
  if (endsAt === undefined || endsAt <= now) return waitMs;
  return Math.min(waitMs, Math.max(floorMs, Math.floor((endsAt - now) / 2)));
}

/** It has served nobody for so long that no flow can want it any more, and owes nothing: it is to be closed. */
export function isUnserved(grant: Pick<GrantFields, 'orgs' | 'unservedSince' | 'detach'>, now: Instant): boolean {
  return grant.orgs === undefined && !hasDuties(grant) && (grant.unservedSince ?? now) + UNSERVED_MS <= now;
}

/** Whether companies are still to be taken off at the provider. */
export function hasDuties({ detach }: Pick<GrantFields, 'detach'>): boolean {
  for (const _ in detach) return true;
  return false;
}

/** Whether its access token lasts for a request to the provider's API, and has not been refused there. */
export function hasUsableAccess(
  { access, failure }: Pick<GrantFields, 'access' | 'failure'>,
  { margins }: DuePolicy,
  now: Instant,
): boolean {
  if (access === undefined) return false;
  if (failure?.reason === ACCESS_REFUSED && failure.at - access.obtainedAt >= RENEW_AFTER_MS) return false;
  const freshness = freshnessOf(access, DUTY_VALIDITY_MS, margins, now);
  return freshness === 'fresh' || freshness === 'expiring';
}

/**
 * A provider that revokes whole grants does it while the grant is closing. Elsewhere it has to be asked what the authorisation
 * still opens before it is closed, also where that is only suspected to be rejected; one that was given up opens nothing.
 */
export function asksBeforeClosing({ status }: Pick<GrantFields, 'status'>, policy: DuePolicy): boolean {
  return policy.detaches === true && (status === 'active' || status === 'suspect');
}

/**
 * When the duties of a grant that was given up and serves nobody are abandoned: no access token can be had any more to do
 * them with. Its probes are over, or its refresh token has expired. Undefined for every other grant.
 */
export function abandonAt(grant: DueFacts): Instant | undefined {
  if (grant.status !== 'needs_reauth' || grant.orgs !== undefined || !hasDuties(grant)) return undefined;
  const since = grant.reauth?.since ?? grant.rejections?.firstAt ?? 0;
  const hopelessAt = Math.min(since + PROBING_MS, grant.refreshExpiresAt ?? Number.POSITIVE_INFINITY);
  return Math.max(hopelessAt, (grant.access?.expiresAt ?? 0) - DUTY_VALIDITY_MS);
}

/** Whether somebody asked for its token in the last 24 hours. */
export function isInUse(grant: Pick<GrantFields, 'lastUsedAt'>, now: Instant): boolean {
  return grant.lastUsedAt !== undefined && now - grant.lastUsedAt < IN_USE_MS;
}

/** For what needs an answer from the provider. */
function reasonToAsk(grant: DueFacts, policy: DuePolicy, now: Instant): Instant {
  if (grant.status === 'closing') return now;
  if (grant.status === 'needs_reauth') {
    // Without an access token a duty waits for the next probe: it may bring one, and nothing else can.
    const canDetach = hasDuties(grant) && hasUsableAccess(grant, policy, now);
    return canDetach ? now : probeDueAt(grant, policy, now);
  }
  if (hasDuties(grant)) return now;
  let earliest = refreshDueAt(grant, policy, now);
  if (grant.status === 'suspect' || owesRetry(grant)) earliest = Math.min(earliest, grant.notBefore ?? now);
  if (grant.orgs === undefined) {
    if (asksBeforeClosing(grant, policy)) earliest = Math.min(earliest, (grant.unservedSince ?? now) + UNSERVED_MS);
  } else if (grant.tenantCheckAt !== undefined) earliest = Math.min(earliest, grant.tenantCheckAt);
  return earliest;
}

/** For what is done without asking anybody, so that no wait for the provider's sake puts it off. */
function reasonOfOurs(grant: DueFacts, policy: DuePolicy, now: Instant): Instant {
  if (grant.status === 'closing') return Number.POSITIVE_INFINITY;
  const closes = grant.orgs === undefined && !hasDuties(grant) && !asksBeforeClosing(grant, policy);
  return Math.min(
    closes ? (grant.unservedSince ?? now) + UNSERVED_MS : Number.POSITIVE_INFINITY,
    abandonAt(grant) ?? Number.POSITIVE_INFINITY,
    nextWarningAt(grant) ?? Number.POSITIVE_INFINITY,
  );
}

/** 0 ≤ spread < 1, the same for the same grant and token version wherever it is computed. */
function spreadOf(grant: Pick<GrantFields, 'pk' | 'tokenVersion'>): number {
  return hash32(`${grant.pk}#${grant.tokenVersion}`) / 2 ** 32;
}
