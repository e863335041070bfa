import { STATE_MS } from '../lib/domain/connect-session.ts';
import type { Instant } from '../lib/domain/grant.ts';
import { isHalfTurned, type StateKeyRing } from './state-key-ring.ts';

/**
 * Turning the state keys takes three puts. `announce`: the new key as `previous`, so that every function knows it before
 * anybody signs with it. `swap`, when no function can hold the ring of before any more. `drop`, when no state can be under way
 * that the old key has signed. Which of them is next, and not before when, follows from the ring alone, so that whoever was
 * interrupted just begins again.
 */
export type Turn =
  | { readonly put: 'announce' | 'swap' | 'drop'; readonly notBefore: Instant }
  /** Nothing is under way. */
  | { readonly put: 'none' };

/** The functions keep a secret for five minutes; half a minute for a read that was under way and for clocks. */
const CACHE_MS = 5.5 * 60_000;
/** A function may sign with the old key for as long as it keeps it, and what it signs is good for this long. */
const OLD_STATES_MS = STATE_MS + CACHE_MS;

/** The next put. `finish`: only what ends a turn that is under way; otherwise one whose key was never dropped is followed by the next. */
export function nextTurn(ring: Pick<StateKeyRing, 'current' | 'previous' | 'putAt'>, finish: boolean): Turn {
  if (isHalfTurned(ring)) return { put: 'swap', notBefore: ring.putAt + CACHE_MS };
  const oldIsGoneAt = ring.putAt + OLD_STATES_MS;
  if (finish) return ring.previous === undefined ? { put: 'none' } : { put: 'drop', notBefore: oldIsGoneAt };
  return { put: 'announce', notBefore: ring.previous === undefined ? 0 : oldIsGoneAt };
}

/** From when on the old key can be dropped, if it has just been swapped. */
export function dropsAt(swappedAt: Instant): Instant {
  return swappedAt + OLD_STATES_MS;
}
