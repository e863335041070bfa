import { FORCED_EVERY_MS } from './acquire-decision.ts';
import type { Connection } from './connection.ts';
import type { ERRORS, ErrorCode } from './errors.ts';
import { freshnessOf, type Margins, minValidityMs } from './freshness.ts';
import { type Grant, type Instant, isLeased, isLiving, type LivingGrant } from './grant.ts';

/** What a reader gets, from the records alone (design §5 "Readers"). */

export interface ReadRequest {
  readonly minValiditySeconds?: number;
  /**
   * The version an API rejected; the answer never carries it. Any other, also a greater one, is not of this token: the
   * connection has moved to another grant since, whose numbers are its own.
   */
  readonly rejectedVersion?: number;
}

export type ServeDecision =
  /** Serve it. `start`: also ask for a refresh, without waiting. `stale`: it lasts for less than was asked. */
  | { readonly kind: 'serve'; readonly start: boolean; readonly stale: boolean }
  /** Ask for a refresh and look again. `alive`: the token at hand may be served if that does not help. */
  | {
      readonly kind: 'refresh';
      readonly trigger: 'expiring' | 'rejected';
      readonly alive: boolean;
      readonly neededMs: number;
    }
  /** Somebody holds the lease; look again. */
  | { readonly kind: 'wait'; readonly alive: boolean; readonly until: Instant }
  | { readonly kind: 'refuse'; readonly code: ErrorCode; readonly retryAt?: Instant };

/** Decides on the records as read at `now`. */
export function decideServe(
  connection: Connection | undefined,
  grant: Grant | undefined,
  request: ReadRequest,
  margins: Margins,
  now: Instant,
): ServeDecision {
  if (connection === undefined || connection.status === 'disconnected')
    return { kind: 'refuse', code: 'not_connected' };
  if (connection.status === 'tenant_lost') return { kind: 'refuse', code: 'tenant_lost' };
  if (grant === undefined || !isLiving(grant) || !grant.orgs?.has(connection.organizationId)) {
    return { kind: 'refuse', code: 'needs_reauth' };
  }
  const rejected = request.rejectedVersion;
  if (rejected === grant.tokenVersion) return afterRejection(grant, now);
  return byFreshness(grant, request, margins, now);
}

function byFreshness(grant: LivingGrant, request: ReadRequest, margins: Margins, now: Instant): ServeDecision {
  const neededMs = minValidityMs(request.minValiditySeconds, grant.access);
  const freshness = freshnessOf(grant.access, neededMs, margins, now);
  if (freshness === 'fresh') return { kind: 'serve', start: false, stale: false };
  const blocked = obstacle(grant, now);
  if (freshness === 'expiring') return { kind: 'serve', start: blocked === undefined, stale: false };
  const alive = freshness === 'short';
  if (grant.status === 'needs_reauth' && !alive) return { kind: 'refuse', code: 'needs_reauth' };
  if (blocked === undefined) return { kind: 'refresh', trigger: 'expiring', alive, neededMs };
  if (alive) return { kind: 'serve', start: false, stale: true };
  return blocked;
}

/** The token at hand is of no use to this reader; only a newer one is. */
function afterRejection(grant: LivingGrant, now: Instant): ServeDecision {
  const blocked = obstacle(grant, now);
  if (blocked !== undefined) return blocked;
  const nextAt = (grant.forcedAt ?? 0) + FORCED_EVERY_MS;
  if (nextAt > now) return { kind: 'refuse', code: 'refresh_in_progress', retryAt: nextAt };
  return { kind: 'refresh', trigger: 'rejected', alive: false, neededMs: 0 };
}

/** Why no refresh can be started now, as an answer to a reader without a token. */
function obstacle(grant: LivingGrant, now: Instant): Extract<ServeDecision, { kind: 'wait' | 'refuse' }> | undefined {
  if (isLeased(grant, now) && grant.attempt !== undefined) {
    if (grant.attempt.outcome === undefined) return { kind: 'wait', alive: false, until: grant.attempt.until };
    return { kind: 'refuse', code: troubleOf(grant), retryAt: grant.attempt.until };
  }
  if (grant.notBefore !== undefined && grant.notBefore > now) {
    return { kind: 'refuse', code: troubleOf(grant), retryAt: grant.notBefore };
  }
  return undefined;
}

/** The code that tells how the last attempt ended. */
export function troubleOf(grant: LivingGrant): keyof typeof ERRORS {
  if (grant.status === 'needs_reauth') return 'needs_reauth';
  if (grant.status === 'suspect') return 'refresh_rejected';
  return grant.failure === undefined ? 'refresh_in_progress' : 'refresh_failed';
}
