import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, DENIED_OUTCOMES, METRICS } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import type { Config } from './config.ts';
import { added, computed, FIVE_MINUTES, failedPercent, functionMetric, ofEachProvider, ownMetrics } from './metrics.ts';
import { firewallMetricName } from './web-firewall.ts';

type Watched = Pick<Config, 'environment' | 'serveLatencyMs' | 'region'>;

/** Alarms on what callers, users and strangers meet. */
export function callerAlarms(config: Watched): readonly AlarmSpec[] {
  return [
    getTokenErrors(config),
    getTokenLatency(config),
    connectFailures(config),
    deniedCalls(config),
    firewallBlocks(config),
  ];
}

/** Two spans of five minutes of the last three: a deployment's or a provider's hiccup wakes nobody. */
const TWO_OF_THREE = { bad: 2, of: 3 } as const;

function getTokenErrors({ environment }: Watched): AlarmSpec {
  const own = ownMetrics(environment);
  const faults = { faults: own(METRICS.serveFault, 'Sum') };
  // Lambda counts every call; one that times out or crashes ends before it can count itself.
  const calls = { calls: functionMetric(environment, 'get-token', 'Invocations', 'Sum') };
  const errors = { errors: functionMetric(environment, 'get-token', 'Errors', 'Sum') };
  const ratio = { failed: added({ ...faults, ...errors }), all: added(calls), least: { all: 10, failed: 3 } };
  return {
    id: 'get-token-errors',
    level: 'page',
    metric: failedPercent('failed %', ratio, { parts: { ...faults, ...calls, ...errors }, period: FIVE_MINUTES }),
    threshold: 5,
    datapoints: TWO_OF_THREE,
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'One in twenty calls of get-token or more fails through no doing of its caller: other functions cannot reach their QuickBooks or Xero.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-get-token: filter message = "invocation" and level = "ERROR" | stats count(*) by code, provider.`,
  };
}

/** With fewer the 99th percentile is the slowest call, and that one may have met a cold start. */
const LEAST_CALLS = 100;

function getTokenLatency({ environment, serveLatencyMs }: Watched): AlarmSpec {
  const own = ownMetrics(environment);
  const parts = { p99: own(METRICS.serveLatency, 'p99'), calls: own(METRICS.serveLatency, 'SampleCount') };
  const expression = `IF(FILL(calls, 0) >= ${LEAST_CALLS}, FILL(p99, 0), 0)`;
  return {
    id: 'get-token-latency',
    level: 'page',
    metric: computed('p99 ms', expression, { parts, period: FIVE_MINUTES }),
    threshold: serveLatencyMs,
    comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
    datapoints: TWO_OF_THREE,
    missing: TreatMissingData.NOT_BREACHING,
    feels: `One in a hundred calls of get-token takes longer than ${serveLatencyMs} ms; whoever calls it waits as long before it can begin.`,
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-get-token: filter message = "invocation" | stats count(*), pct(durationMs, 99) by outcome, code, provider.`,
  };
}

function connectFailures({ environment }: Watched): AlarmSpec {
  const own = ownMetrics(environment);
  const faults = ofEachProvider((provider) => own(METRICS.connectFault, 'Sum', { provider }));
  const flows = ofEachProvider((provider) => own(METRICS.connectFault, 'SampleCount', { provider }));
  const named = (suffix: string, of: typeof faults) =>
    Object.fromEntries(Object.entries(of).map(([provider, metric]) => [`${provider}_${suffix}`, metric]));
  const failed = named('faults', faults);
  const ended = named('flows', flows);
  const ratio = { failed: added(failed), all: added(ended), least: { all: 5, failed: 3 } };
  return {
    id: 'connect-failures',
    level: 'ticket',
    // Few people connect within five minutes.
    metric: failedPercent('failed %', ratio, { parts: { ...failed, ...ended }, period: Duration.minutes(15) }),
    threshold: 20,
    datapoints: { bad: 1, of: 2 },
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'One in five users or more who come back from a provider ends with an error that is not theirs: they cannot connect. Who declined does not count.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-finish-connect and -callback: filter message = "connect" | stats count(*) by outcome, provider.`,
  };
}

/** A wrong key in somebody's deployment is no attack. */
const LEAST_DENIED_OUTCOMES = 20;

function deniedCalls({ environment }: Watched): AlarmSpec {
  const own = ownMetrics(environment);
  const parts = Object.fromEntries(
    DENIED_OUTCOMES.map((outcome) => [outcome, own(METRICS.deniedCalls, 'Sum', { outcome })]),
  );
  const denied = added(parts);
  const expression = `IF((${denied}) >= ${LEAST_DENIED_OUTCOMES}, ${denied}, 0)`;
  return {
    id: 'denied-calls',
    level: 'ticket',
    metric: computed('DeniedCalls', expression, { parts, period: FIVE_MINUTES }),
    threshold: { deviations: 3 },
    datapoints: TWO_OF_THREE,
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'Far more calls than usual are refused for want of right: a partner or a consumer has lost its access, or somebody is trying keys.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-authorizer, -get-token, -status and -callback: filter code in ["${DENIED_OUTCOMES.join('", "')}"] | stats count(*) by code, consumer, keyId; then the access log by sourceIp.`,
  };
}

/** A single address over its limit is blocked that often in seconds. */
const BLOCKS = 100;

function firewallBlocks({ environment, region }: Watched): AlarmSpec {
  return {
    id: 'firewall-blocks',
    level: 'ticket',
    metric: blockedRequests({ environment, region }, 'ALL'),
    threshold: BLOCKS,
    datapoints: TWO_OF_THREE,
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'The firewall refuses many requests: an address sends far more than its limit. If it belongs to a partner, his users get rate_limited.',
    look: `CloudWatch AWS/WAFV2 BlockedRequests of ${firewallMetricName(environment)} by Rule; Logs Insights on /${APP}/${environment}/access: filter refusal = "WAF_FILTERED" | stats count(*) by sourceIp, route.`,
  };
}

/** Requests the firewall refused, by one of its rules or `ALL`. */
export function blockedRequests({ environment, region }: Omit<Watched, 'serveLatencyMs'>, rule: string): Metric {
  return new Metric({
    namespace: 'AWS/WAFV2',
    metricName: 'BlockedRequests',
    dimensionsMap: { WebACL: firewallMetricName(environment), Region: region, Rule: rule },
    statistic: 'Sum',
    period: FIVE_MINUTES,
  });
}
