import type { Instant } from '../domain/grant.ts';
import { METRICS, type ProviderId } from '../domain/names.ts';
import type { CountMetric } from '../service/ports.ts';
import { type Call, type CallLimits, type CallResult, callOnce, type NotSentReason } from './https-call.ts';

/** What is asked of a provider, as its latency is counted. */
export type ProviderRequest = 'refresh' | 'exchange' | 'revoke' | 'probe' | 'tenants' | 'detach';

export interface Measuring {
  readonly provider: ProviderId;
  readonly request: ProviderRequest;
  readonly now: () => Instant;
  /** Without it nothing is counted. */
  readonly count?: CountMetric | undefined;
}

/** Requests that never left us say nothing about a provider. */
const OURS: ReadonlySet<NotSentReason> = new Set(['request_not_built', 'insecure_endpoint']);

/** `callOnce`, and a count of how long it took and of what class the answer was. Never throws. */
export async function measuredCall(call: Call, limits: CallLimits, measuring: Measuring): Promise<CallResult> {
  // Not the time of day, which may be put right meanwhile.
  const startedMs = performance.now();
  const result = await callOnce(call, limits, measuring.now);
  try {
    tell(measuring, result, Math.round(performance.now() - startedMs));
  } catch {
    // The result may hold the only copy of a token.
  }
  return result;
}

function tell({ provider, request, count }: Measuring, result: CallResult, durationMs: number): void {
  if (result.kind === 'not_sent' && OURS.has(result.reason)) return;
  count?.(METRICS.providerLatency, durationMs, { provider, outcome: request });
  count?.(METRICS.providerAnswer, 1, { provider, outcome: classOf(result) });
}

function classOf(result: CallResult): string {
  if (result.kind !== 'answered') return 'none';
  return result.status === 429 ? '429' : `${Math.floor(result.status / 100)}xx`;
}
