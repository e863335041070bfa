import { ComparisonOperator, type MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, METRICS, PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import type { Config } from './config.ts';
import { added, computed, MINUTE, ownMetrics } from './metrics.ts';

type Watched = Pick<Config, 'environment' | 'refreshLagSeconds'>;

/** Alarms on keeping tokens fresh: does the sweep run, is it in time, and do refreshes succeed at each provider. */
export function refreshAlarms(config: Watched): readonly AlarmSpec[] {
  const successes = PROVIDER_IDS.map((provider) => refreshSuccess(config.environment, provider));
  return [sweepHeartbeat(config), refreshLag(config), ...successes];
}

/**
 * A sweep takes up to 180 s and says that it ran when it ends, so between two signs of life less than four minutes pass; one
 * more may still be on its way to CloudWatch.
 */
const SILENT_MINUTES = 6;

function sweepHeartbeat({ environment }: Watched): AlarmSpec {
  const beats = { beats: ownMetrics(environment)(METRICS.sweepHeartbeat, 'Sum') };
  return {
    id: 'sweep-heartbeat',
    level: 'page',
    // Filled, because CloudWatch waits for several more periods before it takes a missing value for one.
    metric: computed('SweepHeartbeat', added(beats), { parts: beats, period: MINUTE }),
    threshold: 1,
    comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
    datapoints: { bad: SILENT_MINUTES, of: SILENT_MINUTES },
    missing: TreatMissingData.BREACHING,
    feels:
      'For six minutes the scheduled refresh has not run: callers wait longer because tokens are refreshed only when somebody asks, and disconnects are not carried out at the provider.',
    look: `npm run ops -- status --env ${environment} (is it paused?), then the last lines of /aws/lambda/${APP}-${environment}-refresh-due.`,
  };
}

function refreshLag({ environment, refreshLagSeconds }: Watched): AlarmSpec {
  return {
    id: 'refresh-lag',
    level: 'page',
    metric: ownMetrics(environment)(METRICS.refreshLag, 'Maximum'),
    threshold: refreshLagSeconds * 1000,
    comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
    datapoints: { bad: 3, of: 5 },
    missing: TreatMissingData.NOT_BREACHING,
    feels: `A grant has been due for more than ${refreshLagSeconds} s: access tokens run out before they are refreshed, and callers wait or get refresh_in_progress.`,
    look: `npm run ops -- status --env ${environment}: is a circuit open? Then Throttles, Duration and Errors of ${APP}-${environment}-refresh-due.`,
  };
}

/** Of attempts that began: the provider gave tokens. */
const GOOD = ['ok', 'rescued'] as const;
/**
 * Of attempts that began: no verdict on the grant came about, by our fault or the provider's; `not_sent` and `config` are
 * where our own broken secret or key shows. `rejected` and `needs_reauth` are not counted at all: they are a provider at work
 * that refuses one grant, perhaps because its user revoked it. Many of them are `verdicts-frozen` or `needs-reauth-burst`.
 */
const BAD = ['at_risk', 'not_sent', 'unknown', 'config', 'throttled'] as const;

/** In one minute: a single grant that always fails is tried at most once by each sweep. */
const LEAST_FAILURES = 2;
/**
 * A failing grant is tried again every few minutes and a healthy one twice an hour at most, so half of all attempts fail when
 * about a tenth of the grants in use do.
 */
const LEAST_PERCENT = 50;

function refreshSuccess(environment: string, provider: ProviderId): AlarmSpec {
  return {
    id: `refresh-success-${provider}`,
    level: 'page',
    metric: refreshSuccessPercent(environment, provider),
    threshold: LEAST_PERCENT,
    comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
    // By the minute, so that while a circuit is open each minute only adds to the bad ones: in wider windows an outage was over
    // and begun again when the circuit opened. A circuit that opens and closes again within five minutes wakes nobody.
    datapoints: { bad: 6, of: 10 },
    missing: TreatMissingData.NOT_BREACHING,
    feels: `Refreshes at ${provider} fail. Access tokens that are valid go on being served, for half an hour at least where somebody uses them; after that callers get refresh_failed.`,
    look: `npm run ops -- status --env ${environment}; Logs Insights on /aws/lambda/${APP}-${environment}-refresh-due: filter message = "refresh did not succeed" and provider = "${provider}" | stats count(*) by outcome, reason.`,
  };
}

/**
 * How many of a hundred refreshes of a provider succeed. 100 while too few failed to tell; 0 in a minute in which its circuit
 * was open: nothing is begun then, and an outage must not seem over because the circuit has opened.
 */
export function refreshSuccessPercent(environment: string, provider: ProviderId): MathExpression {
  const own = ownMetrics(environment);
  const outcomes = (of: readonly string[]) =>
    Object.fromEntries(of.map((outcome) => [outcome, own(METRICS.refreshOutcome, 'Sum', { provider, outcome })]));
  const [good, failed] = [outcomes(GOOD), outcomes(BAD)];
  const percent = `100 * (${added(good)}) / (${added(good)} + ${added(failed)})`;
  const parts = { ...good, ...failed, open: own(METRICS.circuitOpen, 'Maximum', { provider }) };
  const expression = `IF(FILL(open, 0) > 0, 0, IF((${added(failed)}) >= ${LEAST_FAILURES}, ${percent}, 100))`;
  return computed(`${provider} %`, expression, { parts, period: MINUTE });
}
