/** Waits between attempts. Never a blind re-send: each attempt takes the lease anew. */

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Base 1 s doubling, cap 5 minutes (requirement B3, design §6). */
export const DEFAULT_BACKOFF: BackoffPolicy = { baseMs: 1_000, capMs: 300_000 };

/** The shortest time between two rejections of a grant (protocol.md, write 8), whatever the policy's cap. */
const SUSPECT_FLOOR_MS = 60_000;

/** Wait before attempt `consecutive` + 1, with full jitter; `random` is in [0, 1). */
export function backoffMs(consecutive: number, random: number, policy: BackoffPolicy = DEFAULT_BACKOFF): number {
  return Math.floor(ceiling(consecutive, policy) * random);
}

/** Wait after the `count`-th rejection in a row: a minute, doubling to the cap, never less than a minute. */
export function suspectBackoffMs(count: number, policy: BackoffPolicy = DEFAULT_BACKOFF): number {
  return Math.max(SUSPECT_FLOOR_MS, Math.min(policy.capMs, SUSPECT_FLOOR_MS * 2 ** Math.min(count - 1, 20)));
}

function ceiling(consecutive: number, policy: BackoffPolicy): number {
  // 2^30 s is far above any cap; the bound only keeps the power finite.
  return Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(Math.max(consecutive, 0), 30));
}
