import type { ProviderId } from '../../lib/domain/names.ts';
import { ROTATIONS, type Rotation } from './provider.ts';
import { createRandom } from './random.ts';

/**
 * What a seed is about. `race`: much at once on one or two grants. `evidence`: grants that are rejected, rightly or
 * wrongly, while others succeed. `outage`: the provider, our client or our cloud out of order for minutes. `rescue`:
 * the store fails, and what went to the queue comes late.
 */
export type Theme = 'race' | 'evidence' | 'outage' | 'rescue';

export interface Plot {
  readonly seed: number;
  readonly theme: Theme;
  readonly providerId: ProviderId;
  readonly rotation: Rotation;
  readonly grants: number;
  readonly organizationsPerGrant: number;
  /** Runs that may be at work at once, besides those they start themselves. */
  readonly processes: number;
  readonly skewMs: number;
  readonly roughness: number;
  /** Virtual minutes of trouble. */
  readonly minutes: number;
}

/** The plot of a seed. */
export function plotOf(seed: number): Plot {
  const random = createRandom(seed * 2_654_435_761);
  const theme = random.weighted<Theme>([
    [60, 'race'],
    [12, 'evidence'],
    [14, 'outage'],
    [14, 'rescue'],
  ]);
  const rotation = ROTATIONS[seed % ROTATIONS.length] ?? 'single';
  const providerId = random.chance(rotation === 'grace' ? 0.8 : 0.3) ? 'xero' : 'quickbooks';
  const isFleet = theme === 'evidence' || theme === 'outage';
  return {
    seed,
    theme,
    rotation,
    providerId,
    grants: isFleet ? random.pick([1, 3, 4, 8]) : random.pick([1, 1, 1, 2]),
    organizationsPerGrant: random.pick([1, 2, 3]),
    processes: random.between(1, 5),
    skewMs: random.pick([0, 500, 1_500]),
    roughness: theme === 'race' ? random.pick([0.5, 1, 1.5]) : random.pick([0, 0.3, 1]),
    minutes: theme === 'evidence' ? random.between(18, 40) : random.between(4, 10),
  };
}
