import { MINUTE } from '../support/grants.ts';
import type { World } from './world.ts';

/**
 * The timers of the product: the sweep each minute, and the consumer of the rescue queue as long as there are
 * messages.
 */

/** Sweeps with nothing to do are left out; how often one is made all the same. */
const IDLE_SWEEPS = 0.1;
const CONSUMER_MS = 7_000;

/** One minute of virtual time, swept when there is anything to sweep. */
export async function runMinute(world: World, { isSwept }: { readonly isSwept: boolean }): Promise<void> {
  const { context, processes } = world;
  const { scheduler, random, line } = context;
  const untilAt = scheduler.now() + MINUTE;
  if (isSwept && (hasWork(world) || random.chance(IDLE_SWEEPS))) processes.sweep();
  while (scheduler.now() < untilAt && world.problem() === undefined) {
    if (line.hasVisible()) processes.consume();
    const nextAt = line.length() === 0 ? untilAt : Math.min(untilAt, scheduler.now() + CONSUMER_MS);
    await scheduler.runUntil(nextAt);
  }
}

/** Something is due, or the provider has to be watched. */
export function hasWork({ watch, context }: World): boolean {
  const now = context.scheduler.now();
  if (watch.isProviderWatched()) return true;
  for (const { dueAt = Number.POSITIVE_INFINITY } of watch.images().values()) if (dueAt <= now) return true;
  return false;
}
