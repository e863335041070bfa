/**
 * The life of one refresh token: which value of its chain is accepted, when a new one takes its place, and when the
 * chain has run out. Pure: the caller brings the time, the rules and the new value.
 */
export interface RefreshChain {
  readonly startedAt: number;
  readonly current: RefreshValue;
  /** The value that `current` was obtained with, while the provider still accepts it. */
  readonly previous?: { readonly value: string; readonly acceptedUntil: number };
}

interface RefreshValue {
  readonly value: string;
  readonly issuedAt: number;
  readonly lastUsedAt: number;
}

/** All in milliseconds. */
export interface RotationRules {
  /** Age at which a use replaces the value; 0 = at every use. */
  readonly rotateAfterMs: number;
  /** How long the replaced value is accepted after its replacement; 0 = not at all. */
  readonly graceMs: number;
  /** A value not used for so long is dead. */
  readonly idleMs: number;
  /** Life of the whole chain whatever its use. */
  readonly hardMs?: number;
}

export type RefreshUse =
  | { readonly kind: 'accepted'; readonly chain: RefreshChain; readonly rotated: boolean }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'expired' };

export function startChain(value: string, now: number): RefreshChain {
  return { startedAt: now, current: { value, issuedAt: now, lastUsedAt: now } };
}

/** Whether presenting `value` now would be accepted. */
export function isAccepted(chain: RefreshChain, value: string, rules: RotationRules, now: number): boolean {
  return judgeValue(chain, value, rules, now) === 'accepted';
}

/**
 * Presents a value. Presenting the previous one inside its grace is the repair of a lost answer: the answer that was
 * lost is replaced and dies, and the grace still counts from the first replacement, so it cannot be stretched.
 */
export function useRefreshValue(
  chain: RefreshChain,
  value: string,
  { rules, now, next }: { rules: RotationRules; now: number; next: () => string },
): RefreshUse {
  const verdict = judgeValue(chain, value, rules, now);
  if (verdict !== 'accepted') return { kind: verdict };
  if (now - chain.current.issuedAt < rules.rotateAfterMs) {
    return { kind: 'accepted', rotated: false, chain: { ...chain, current: { ...chain.current, lastUsedAt: now } } };
  }
  const displaced = value === chain.current.value && rules.graceMs > 0;
  const previous = displaced ? { value, acceptedUntil: now + rules.graceMs } : survivor(chain, value);
  return {
    kind: 'accepted',
    rotated: true,
    chain: {
      startedAt: chain.startedAt,
      current: { value: next(), issuedAt: now, lastUsedAt: now },
      ...(previous ? { previous } : {}),
    },
  };
}

function judgeValue(
  chain: RefreshChain,
  value: string,
  rules: RotationRules,
  now: number,
): 'accepted' | 'replaced' | 'expired' {
  if (rules.hardMs !== undefined && now >= chain.startedAt + rules.hardMs) return 'expired';
  if (value === chain.current.value) return now < chain.current.lastUsedAt + rules.idleMs ? 'accepted' : 'expired';
  if (value === chain.previous?.value && now < chain.previous.acceptedUntil) return 'accepted';
  return 'replaced';
}

function survivor(chain: RefreshChain, value: string): RefreshChain['previous'] {
  return chain.previous?.value === value ? chain.previous : undefined;
}
