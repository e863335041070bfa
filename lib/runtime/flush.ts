import type { Context } from 'aws-lambda';
import { flushEvents } from './events.ts';
import { flushMetrics } from './metrics.ts';

/** Left of the function's time when it has waited for its events: a function that is killed then has done its work and not answered. */
const MARGIN_MS = 500;

/**
 * Writes what was counted and sends what was told in an invocation: the last thing it does before it answers. Takes two seconds
 * at most, and never more than the function has left. Never rejects.
 */
export async function flushTold(context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> {
  // Twice: what waits for the bus must not cost what was counted, and what it costs is counted.
  flushMetrics();
  await flushEvents(context.getRemainingTimeInMillis() - MARGIN_MS);
  flushMetrics();
}
