import { type ErrorCode, isFault } from '../domain/errors.ts';
import { METRICS, type ProviderId } from '../domain/names.ts';
import type { CountMetric } from './ports.ts';

/** Counts a connect flow that came to its end: how, and whether that is a fault. */
export function countConnectEnd(
  { count }: { readonly count: CountMetric },
  provider: ProviderId,
  outcome: 'linked' | ErrorCode,
): void {
  count(METRICS.connectOutcome, 1, { provider, outcome });
  count(METRICS.connectFault, outcome !== 'linked' && isFault(outcome) ? 1 : 0, { provider });
}
