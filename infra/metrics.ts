import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  APP,
  type FunctionName,
  type MetricName,
  metricNamespace,
  PROVIDER_IDS,
  type ProviderId,
} from '../lib/domain/names.ts';

/** Under which a metric of ours was counted: exactly these, no fewer (`METRICS` says which it has). */
interface Dimensions {
  readonly provider?: ProviderId;
  readonly outcome?: string;
}

/** A metric of ours: name, statistic, and what it was counted under. */
type OwnMetric = (name: MetricName, statistic: string, dimensions?: Dimensions) => Metric;

/** The metrics that the functions of an environment write, a value each minute unless an expression says otherwise. */
export function ownMetrics(environment: string): OwnMetric {
  const namespace = metricNamespace(environment);
  return (metricName, statistic, dimensions = {}) =>
    new Metric({ namespace, metricName, statistic, period: MINUTE, dimensionsMap: { ...dimensions } });
}

export const MINUTE = Duration.minutes(1);
export const FIVE_MINUTES = Duration.minutes(5);

/** What AWS/Lambda counts of a function, all its aliases and versions together. */
export function functionMetric(environment: string, name: FunctionName, metricName: string, statistic: string): Metric {
  const dimensionsMap = { FunctionName: `${APP}-${environment}-${name}` };
  return new Metric({ namespace: 'AWS/Lambda', metricName, statistic, period: MINUTE, dimensionsMap });
}

/** Messages on a queue: `Visible` those that wait, `NotVisible` those a consumer has. */
export function queueMetric(queueName: string, state: 'Visible' | 'NotVisible'): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: `ApproximateNumberOfMessages${state}`,
    dimensionsMap: { QueueName: queueName },
    statistic: 'Maximum',
    period: MINUTE,
  });
}

/** The same metric of each provider, by provider. */
export function ofEachProvider(of: (provider: ProviderId) => Metric): Parts {
  return Object.fromEntries(PROVIDER_IDS.map((provider) => [provider, of(provider)]));
}

/** Metrics by the names an expression knows them by. */
export type Parts = Readonly<Record<string, Metric>>;

/**
 * The text that adds up metrics by their names. What was not counted counts 0: CloudWatch has no value for a minute in which
 * nothing happened, and none for a sum of which one part has none.
 */
export function added(parts: Parts): string {
  return Object.keys(parts)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
}

/**
 * A value computed from metrics over one period. An alarm on it needs more than one period to go by: the newest may be filled
 * only because its values are still on their way.
 */
export function computed(
  label: string,
  expression: string,
  { parts, period }: { readonly parts: Parts; readonly period: Duration },
): MathExpression {
  const usingMetrics = Object.fromEntries(
    Object.entries(parts).map(([name, metric]) => [name, metric.with({ period })]),
  );
  return new MathExpression({ label, expression, usingMetrics, period });
}

/** The sum of metrics; CloudWatch does not add up what was counted under different dimensions. */
export function total(label: string, parts: Parts, period: Duration): MathExpression {
  return computed(label, added(parts), { parts, period });
}

/**
 * How many of a hundred failed; 0 while there were fewer of them, or fewer failures, than a ratio needs to mean something.
 * `failed` and `all` are texts over the names of `parts`.
 */
export function failedPercent(
  label: string,
  { failed, all, least }: { readonly failed: string; readonly all: string; readonly least: Least },
  over: { readonly parts: Parts; readonly period: Duration },
): MathExpression {
  const enough = `((${all}) >= ${least.all}) AND ((${failed}) >= ${least.failed})`;
  return computed(label, `IF(${enough}, 100 * (${failed}) / (${all}), 0)`, over);
}

interface Least {
  readonly all: number;
  readonly failed: number;
}
