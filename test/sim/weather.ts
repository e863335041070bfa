import type { Instant } from '../../lib/domain/grant.ts';
import type { Random } from './random.ts';

/** Whole parts of the world that are out of order for a while. */
export type Spell =
  | 'store'
  | 'audit'
  | 'queue'
  | 'kms'
  | 'secrets'
  /** The provider answers 5xx or not at all. */
  | 'provider_down'
  /** The provider answers 429 to everybody. */
  | 'provider_throttles'
  /** The provider answers invalid_grant to everybody. */
  | 'provider_denies'
  /** Single requests are answered by a page in HTML. */
  | 'provider_garbles';

/** Shares of single calls that go wrong; each is multiplied by how rough the seed is. */
const SHARES = {
  writeNotMade: 0.05,
  answerToWriteLost: 0.05,
  read: 0.02,
  slowStore: 0.02,
  staleIndex: 0.25,
  kms: 0.02,
  secrets: 0.01,
  queueNotMade: 0.15,
  lateMessage: 0.35,
  duplicate: 0.2,
  answerToQueueLost: 0.1,
  notSent: 0.03,
  lost: 0.05,
  late: 0.04,
  truncated: 0.03,
  html: 0.02,
  serverErrorAfter: 0.04,
  serverErrorBefore: 0.04,
  throttled: 0.02,
  crash: 0.004,
  freeze: 0.001,
  freezeCarrying: 0.03,
  thaw: 0.1,
} as const;
export type Fault = keyof typeof SHARES;

export interface Weather {
  /** Whether this call goes wrong in that way. */
  strikes(fault: Fault): boolean;
  begin(spell: Spell, forMs: number): void;
  isOn(spell: Spell): boolean;
  /** How long of the time since then something was out of order that a refresh needs. */
  hinderedMs(since: Instant): number;
  /** How long of the time since then the rescue queue was out of order. */
  queueDownMs(since: Instant): number;
  isFair(): boolean;
  /** Times every share: 0 is fair weather. */
  setRoughness(factor: number): void;
  /** Fair from now on. */
  clear(): void;
}

/** A refresh does without them. */
const HARMLESS: ReadonlySet<Spell> = new Set(['audit', 'queue']);

interface Interval {
  readonly from: Instant;
  readonly until: Instant;
}

/** Together, counting no moment twice. */
function overlapMs(intervals: readonly Interval[], from: Instant, until: Instant): number {
  let sum = 0;
  let end = from;
  for (const each of intervals.toSorted((a, b) => a.from - b.from)) {
    const begin = Math.max(each.from, end);
    const stop = Math.min(each.until, until);
    if (stop <= begin) continue;
    sum += stop - begin;
    end = stop;
  }
  return sum;
}

/** What goes wrong, and when: single calls by chance, and whole parts for a spell. */
export function createWeather(random: Random, now: () => Instant): Weather {
  const until = new Map<Spell, Instant>();
  let spells: (Interval & { readonly spell: Spell })[] = [];
  let roughness = 0;
  return {
    strikes: (fault) => roughness > 0 && random.chance(SHARES[fault] * roughness),
    begin(spell, forMs) {
      until.set(spell, Math.max(until.get(spell) ?? 0, now() + forMs));
      spells.push({ spell, from: now(), until: now() + forMs });
    },
    isOn: (spell) => (until.get(spell) ?? 0) > now(),
    hinderedMs: (since) =>
      overlapMs(
        spells.filter(({ spell }) => !HARMLESS.has(spell)),
        since,
        now(),
      ),
    queueDownMs: (since) =>
      overlapMs(
        spells.filter(({ spell }) => spell === 'queue'),
        since,
        now(),
      ),
    isFair: () => roughness === 0,
    setRoughness(factor) {
      roughness = factor;
    },
    clear() {
      roughness = 0;
      for (const [spell, at] of until) until.set(spell, Math.min(at, now()));
      spells = spells.map((each) => ({ ...each, until: Math.min(each.until, now()) }));
    },
  };
}
