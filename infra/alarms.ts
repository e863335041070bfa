import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { APP, METRICS, type MetricName, metricNamespace, PROVIDER_IDS } from '../lib/domain/names.ts';
import type { Config } from './config.ts';
import { rescueQueueNames } from './rescue-queue.ts';

interface Watch {
  /** Also the heading in runbook.md. */
  readonly id: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Default: greater than or equal to the threshold. */
  readonly comparison?: ComparisonOperator;
  /** How many periods of the metric in a row; default 1. */
  readonly periods?: number;
  /** Default: no alarm. */
  readonly missing?: TreatMissingData;
  /** What it means for the users, in one sentence. */
  readonly meaning: string;
}

const MINUTE = Duration.minutes(1);

/**
 * A sweep begins each minute, takes up to 180 s and says all it has to say when it ends: between two ends less than four
 * minutes can pass. What a run says is looked at over this time, so that a minute in which none ends is not taken for an
 * answer.
 */
const SWEEP_WINDOW = Duration.minutes(5);

function watches(environment: string): readonly Watch[] {
  return [...tokenWatches(environment), ...providerWatches(metricNamespace(environment))];
}

/** Of tokens that are not where they belong. */
function tokenWatches(environment: string): readonly Watch[] {
  const { queue, deadLetter } = rescueQueueNames(environment);
  return [
    {
      id: 'token-at-risk',
      metric: sumOverProviders(count(metricNamespace(environment), METRICS.tokenAtRisk, MINUTE)),
      threshold: 1,
      meaning:
        'A token the provider issued is in no store and on no queue; its connection may need the user to reconnect.',
    },
    {
      // Not the age of the oldest message: SQS leaves out of it whatever was received more than three times, which is
      // every message that matters here after a quarter of an hour.
      id: 'rescue-queue-waiting',
      metric: messagesOn(queue),
      threshold: 1,
      periods: 5,
      meaning:
        'For five minutes tokens have been on the rescue queue instead of in the store; their grants are not fresh.',
    },
    {
      id: 'rescue-dead-letter',
      metric: messagesOn(deadLetter),
      threshold: 1,
      meaning: 'A token could not be stored for 24 hours and lies on the dead-letter queue, to be lost in 13 days.',
    },
  ];
}

/** Of the schedule and of what it says about the providers. */
function providerWatches(namespace: string): readonly Watch[] {
  return [
    {
      id: 'sweep-heartbeat',
      metric: count(namespace, METRICS.sweepHeartbeat, SWEEP_WINDOW)(),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.BREACHING,
      meaning: 'The scheduled refresh has not run for five minutes; tokens are refreshed only when somebody asks.',
    },
    {
      id: 'verdicts-frozen',
      metric: sumOverProviders(
        gauge(namespace, METRICS.verdictsFrozen, { statistic: Stats.MAXIMUM, period: SWEEP_WINDOW }),
      ),
      threshold: 1,
      meaning: 'So many grants of a provider are refused at once that no rejection is believed and nobody is given up.',
    },
    {
      id: 'circuit-open',
      // The least value of the window: a circuit that closed in between has another run with 0.
      metric: sumOverProviders(
        gauge(namespace, METRICS.circuitOpen, { statistic: Stats.MINIMUM, period: SWEEP_WINDOW }),
      ),
      threshold: 1,
      periods: 3,
      meaning: 'For 15 minutes nothing has been sent to a provider, which does not answer or refuses our client.',
    },
  ];
}

/** Each with its meaning and the heading of runbook.md that tells what to do. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, { environment }: Pick<Config, 'environment'>) {
    super(scope, id);
    for (const watch of watches(environment)) {
      new Alarm(this, watch.id, {
        alarmName: `${APP}-${environment}-${watch.id}`,
        alarmDescription: `${watch.meaning} Runbook: infra/runbook.md#${watch.id}`,
        metric: watch.metric,
        threshold: watch.threshold,
        comparisonOperator: watch.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: watch.missing ?? TreatMissingData.NOT_BREACHING,
        evaluationPeriods: watch.periods ?? 1,
      });
    }
  }
}

/** A metric of ours, of one provider where it is counted by provider. */
type ByProvider = (provider?: string) => Metric;

function count(namespace: string, metricName: MetricName, period: Duration): ByProvider {
  return gauge(namespace, metricName, { statistic: Stats.SUM, period });
}

function gauge(
  namespace: string,
  metricName: MetricName,
  over: { readonly statistic: string; readonly period: Duration },
): ByProvider {
  return (provider) =>
    new Metric({
      namespace,
      metricName,
      ...over,
      ...(provider === undefined ? {} : { dimensionsMap: { provider } }),
    });
}

/** CloudWatch does not add up what was counted under dimensions. */
function sumOverProviders(metric: ByProvider): MathExpression {
  const byProvider = PROVIDER_IDS.map((provider) => [provider, metric(provider)] as const);
  return sumOf(Object.fromEntries(byProvider), metric());
}

/** Messages on a queue, waiting or with a consumer, at any time within a minute. */
function messagesOn(queueName: string): MathExpression {
  const messages = (state: 'Visible' | 'NotVisible') =>
    new Metric({
      namespace: 'AWS/SQS',
      metricName: `ApproximateNumberOfMessages${state}`,
      dimensionsMap: { QueueName: queueName },
      statistic: Stats.MAXIMUM,
      period: MINUTE,
    });
  const visible = messages('Visible');
  return sumOf({ visible, taken: messages('NotVisible') }, visible);
}

/** The sum of metrics of which each may be missing, with the period and the name of one of them. */
function sumOf(metrics: Readonly<Record<string, Metric>>, { metricName, period }: Metric): MathExpression {
  return new MathExpression({
    expression: Object.keys(metrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(' + '),
    usingMetrics: { ...metrics },
    period,
    label: metricName,
  });
}
