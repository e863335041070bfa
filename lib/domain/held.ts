import {
  type Grant,
  type HeldReason,
  type HeldToken,
  type Instant,
  isLiving,
  MAX_HELD,
  type RefreshToken,
} from './grant.ts';

/** Refresh tokens that are not current but must not be lost: at most eight of a living grant, tried when the current one is rejected. */

/** A token as it is held. */
export function held(token: RefreshToken, why: HeldReason, since: Instant): HeldToken {
  const { attemptId, ciphertext, dataKey, scope, generation, version } = token;
  return { attemptId, ciphertext, dataKey, ...(scope === undefined ? {} : { scope }), generation, version, why, since };
}

/**
 * Ids to drop so that `adding` more fit: first `previous` ones past the provider's grace, then the oldest.
 */
export function evicted(
  tokens: Readonly<Record<string, HeldToken>>,
  adding: readonly string[],
  graceSeconds: number,
  now: Instant,
): string[] {
  const others = Object.entries(tokens).filter(([id]) => !adding.includes(id));
  const excess = others.length + adding.length - MAX_HELD;
  if (excess <= 0) return [];
  const rank = ([, token]: [string, HeldToken]) => (isPastGrace(token, graceSeconds, now) ? 0 : 1);
  return others
    .sort((a, b) => rank(a) - rank(b) || a[1].since - b[1].since)
    .slice(0, excess)
    .map(([id]) => id);
}

/**
 * Ids to drop so that one late token fits on the grant as it is. A grant that is closing drops none: all of them are to be
 * revoked, and the one that went could be the one the provider still honours.
 */
export function evictedBy(image: Grant, lateId: string, graceSeconds: number, now: Instant): string[] {
  return isLiving(image) ? evicted(image.held, [lateId], graceSeconds, now) : [];
}

/** Whether a displaced token can no longer be accepted by a provider that keeps it alive for `graceSeconds`. */
function isPastGrace(token: HeldToken, graceSeconds: number, now: Instant): boolean {
  return token.why === 'previous' && now - token.since >= graceSeconds * 1000;
}

/** What to try after the current token was rejected: newest first, `previous` only within its grace. */
export function heldToTry(
  tokens: Readonly<Record<string, HeldToken>>,
  graceSeconds: number,
  now: Instant,
): HeldToken[] {
  return Object.values(tokens)
    .filter((token) => !isPastGrace(token, graceSeconds, now))
    .sort((a, b) => b.version - a.version || b.since - a.since);
}
