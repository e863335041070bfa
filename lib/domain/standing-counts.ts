import { REAUTH_REASONS } from './grant.ts';
import {
  DENIED_OUTCOMES,
  METRICS,
  type MetricName,
  PROVIDER_IDS,
  type ProviderId,
  THROTTLED_SERVICES,
} from './names.ts';

/** A count, and what it is counted under. */
export interface StandingCount {
  readonly name: MetricName;
  readonly provider?: ProviderId;
  readonly outcome?: string;
}

/** What a refresh that was begun can end with, as `METRICS.refreshOutcome` has it. */
const REFRESH_ENDS = ['ok', 'rescued', 'at_risk', 'not_sent', 'unknown', 'config', 'throttled'] as const;
const LAST_WARNINGS = ['idle_7', 'hard_7'] as const;

/**
 * The counts that alarms add up, each with every dimension they look under. Most of them are of things that never happen, and
 * AWS does not say what a sum makes of a metric that never had a value; so the sweep counts 0 of each once a minute, and none
 * is ever unknown. `ConnectFault` is not among them: its average is a ratio, and a 0 would count.
 */
export const STANDING_COUNTS: readonly StandingCount[] = [
  ...PROVIDER_IDS.flatMap((provider) => [
    { name: METRICS.tokenAtRisk, provider },
    ...REFRESH_ENDS.map((outcome) => ({ name: METRICS.refreshOutcome, provider, outcome })),
    ...REAUTH_REASONS.map((outcome) => ({ name: METRICS.needsReauth, provider, outcome })),
    ...LAST_WARNINGS.map((outcome) => ({ name: METRICS.grantExpiring, provider, outcome })),
  ]),
  ...DENIED_OUTCOMES.map((outcome) => ({ name: METRICS.deniedCalls, outcome })),
  ...THROTTLED_SERVICES.map((outcome) => ({ name: METRICS.awsThrottled, outcome })),
  { name: METRICS.serveFault },
  { name: METRICS.secretErrors },
  { name: METRICS.eventsDropped },
];
