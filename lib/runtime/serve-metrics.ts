import { isFault } from '../domain/errors.ts';
import { METRICS } from '../domain/names.ts';
import type { InvocationEnd } from './invoke-handler.ts';
import { createCountMetric } from './metrics.ts';

const count = createCountMetric();

/** Counts one call of get-token, however it ended: how long it took, and whether it failed through no doing of its caller. */
export function countServe({ durationMs, code }: InvocationEnd): void {
  count(METRICS.serveLatency, durationMs);
  count(METRICS.serveFault, code !== undefined && isFault(code) ? 1 : 0);
}
