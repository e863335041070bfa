import type { Random } from './random.ts';
import type { Weather } from './weather.ts';

/** The longest the client waits for an answer (lib/oauth/token-endpoint.ts). */
export const ANSWER_MS = 45_000;
const TRAVEL_MS = [20, 60, 200, 400] as const;
const SLOW_MS = [3_000, 12_000] as const;
const LATE_MS = [30_000, 44_000, 49_000] as const;

/** How a single request fares. */
export interface Fate {
  /** How its answer comes, if it comes. */
  readonly kind: 'not_sent' | 'cut' | 'server_error' | 'html' | 'throttled' | 'answered';
  readonly reason?: 'timeout' | 'connection_reset' | 'truncated';
  readonly isCarriedOut: boolean;
  readonly thereMs: number;
  readonly backMs: number;
}

type Trouble = Pick<Fate, 'kind' | 'isCarriedOut'> & Partial<Fate>;

const POISON: Trouble = { kind: 'server_error', isCarriedOut: false };
const FINE: Trouble = { kind: 'answered', isCarriedOut: true };

/** Draws one, by the weather. A poisoned subject's requests always fail. */
export function drawFate(random: Random, weather: Weather, isPoisoned: boolean): Fate {
  const fate = isPoisoned ? POISON : (troubleOf(random, weather) ?? FINE);
  const thereMs = random.pick(TRAVEL_MS);
  const backMs = random.pick(weather.strikes('late') ? SLOW_MS : TRAVEL_MS);
  return { thereMs, backMs, ...fate };
}

function troubleOf(random: Random, weather: Weather): Trouble | undefined {
  const isDown = weather.isOn('provider_down') && random.chance(0.9);
  if (weather.strikes('notSent') || (isDown && random.chance(0.3))) return { kind: 'not_sent', isCarriedOut: false };
  if (isDown) return { kind: 'server_error', isCarriedOut: false };
  if (weather.isOn('provider_throttles') || weather.strikes('throttled')) {
    return { kind: 'throttled', isCarriedOut: false };
  }
  if (weather.isOn('provider_garbles') || weather.strikes('html')) return { kind: 'html', isCarriedOut: true };
  if (weather.strikes('serverErrorBefore')) return { kind: 'server_error', isCarriedOut: false };
  if (weather.strikes('serverErrorAfter')) return { kind: 'server_error', isCarriedOut: true };
  if (weather.strikes('truncated')) return { kind: 'cut', reason: 'truncated', isCarriedOut: true };
  return weather.strikes('lost') ? lossOf(random) : undefined;
}

function lossOf(random: Random): Trouble {
  return random.pick<Trouble>([
    { kind: 'cut', reason: 'connection_reset', isCarriedOut: true },
    { kind: 'cut', reason: 'connection_reset', isCarriedOut: false },
    { kind: 'cut', reason: 'timeout', isCarriedOut: true, backMs: ANSWER_MS },
    { kind: 'cut', reason: 'timeout', isCarriedOut: true, thereMs: random.pick(LATE_MS), backMs: 0 },
  ]);
}

/** The situation that a request has been in. */
export function situationOf({ kind, reason, isCarriedOut }: Fate): string {
  if (kind === 'cut') return isCarriedOut ? `answer_${reason ?? 'timeout'}` : 'request_lost';
  if (kind === 'server_error') return isCarriedOut ? 'server_error_after_commit' : 'server_error';
  return kind;
}
