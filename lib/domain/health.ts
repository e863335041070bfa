import type { Connection } from './connection.ts';
import { remainingMs } from './freshness.ts';
import { type Grant, type Instant, isLiving } from './grant.ts';
import { isExpiring } from './warnings.ts';

/** How a connection is doing, for partners and operators. */
export type Health =
  | 'healthy'
  /** Within 30 days of an end of the authorisation: the hard one that no refresh moves, or the idle one, as refreshes fail. */
  | 'expiring'
  /** The access token has run out and its refresh has not succeeded yet. */
  | 'refreshing_late'
  | 'suspect'
  | 'needs_reauth'
  | 'tenant_lost'
  | 'disconnected';

/** The older words: VALID means obtainable without the user. */
export type TokenStatus = 'VALID' | 'EXPIRED' | 'NO_TOKEN' | 'ERROR';

/** The one mapping from records to health (design §8). */
export function healthOf(connection: Connection | undefined, grant: Grant | undefined, now: Instant): Health {
  if (connection === undefined || connection.status === 'disconnected') return 'disconnected';
  if (connection.status === 'tenant_lost') return 'tenant_lost';
  if (grant === undefined || !isLiving(grant) || grant.status === 'needs_reauth') return 'needs_reauth';
  if (grant.status === 'suspect') return 'suspect';
  if (remainingMs(grant.access, now) <= 0 && grant.failure !== undefined) return 'refreshing_late';
  return isExpiring(grant, now) ? 'expiring' : 'healthy';
}

const TOKEN_STATUS = {
  healthy: 'VALID',
  expiring: 'VALID',
  refreshing_late: 'VALID',
  suspect: 'ERROR',
  needs_reauth: 'EXPIRED',
  tenant_lost: 'ERROR',
  disconnected: 'NO_TOKEN',
} as const satisfies Record<Health, TokenStatus>;

/** Health in the older words of requirement C3. */
export function tokenStatusOf(health: Health): TokenStatus {
  return TOKEN_STATUS[health];
}
