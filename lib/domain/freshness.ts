import type { AccessToken, Instant } from './grant.ts';

/** All arithmetic with expiries is here. Shares of the life keep the margins sane for providers with short tokens (Sage: 5 minutes). */

/** A reader that names no minimum gets a token good for at least this long. */
const DEFAULT_MIN_VALIDITY_MS = 60_000;
/** Less than this is not worth handing out: it would expire on its way to the provider. */
const MIN_USABLE_MS = 5_000;
const ON_DEMAND_SHARE = 1 / 6;
const REFRESH_AHEAD_SHARE = 1 / 2;

export interface Margins {
  readonly refreshAheadSeconds: number;
  readonly onDemandSeconds: number;
  readonly keepAliveSeconds: number;
}

export type Life = Pick<AccessToken, 'obtainedAt' | 'expiresAt'>;

/** Expiry of something issued for `seconds` by an answer to a request sent at `sentAt` (never by a server's date: providers.md §6.10). */
export function expiryOf(sentAt: Instant, seconds: number): Instant {
  return sentAt + Math.floor(seconds * 1000);
}

/** Milliseconds left, negative once expired. */
export function remainingMs(token: Life, now: Instant): number {
  return token.expiresAt - now;
}

/** How long before expiry the schedule refreshes: the margin, at most half the life. */
export function refreshAheadMs(token: Life, margins: Margins): number {
  return Math.min(margins.refreshAheadSeconds * 1000, lifeMs(token) * REFRESH_AHEAD_SHARE);
}

/** How long before expiry a reader starts a refresh: the margin, at most a sixth of the life. */
export function onDemandMs(token: Life, margins: Margins): number {
  return Math.min(margins.onDemandSeconds * 1000, lifeMs(token) * ON_DEMAND_SHARE);
}

/** The validity a reader gets at least: what it asks for, at most half the life (else every call would refresh). */
export function minValidityMs(askedSeconds: number | undefined, token: Life): number {
  const asked = askedSeconds === undefined ? DEFAULT_MIN_VALIDITY_MS : askedSeconds * 1000;
  return Math.min(asked, lifeMs(token) * REFRESH_AHEAD_SHARE);
}

/**
 * fresh: nothing to do. expiring: serve it, and let somebody refresh. short: alive, but for less than was asked. expired:
 * not to be handed out.
 */
export type Freshness = 'fresh' | 'expiring' | 'short' | 'expired';

/** How a token stands at `now` for a reader who needs `neededMs` of it. */
export function freshnessOf(token: Life, neededMs: number, margins: Margins, now: Instant): Freshness {
  const left = remainingMs(token, now);
  if (left < MIN_USABLE_MS) return 'expired';
  if (left < neededMs) return 'short';
  return left < onDemandMs(token, margins) ? 'expiring' : 'fresh';
}

function lifeMs(token: Life): number {
  return Math.max(0, token.expiresAt - token.obtainedAt);
}
