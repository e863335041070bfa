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

interface Watch {
  /** Also the heading in runbook.md. */
  readonly id: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  readonly missing: TreatMissingData;
  /** What it means for the users, in one sentence. */
  readonly meaning: string;
}

const MINUTE = Duration.minutes(1);

/** A sweep runs each minute; one that takes its 180 s writes its heartbeat before the next can start. */
const HEARTBEAT_WINDOW = Duration.minutes(5);

function watches(environment: string): readonly Watch[] {
  const namespace = metricNamespace(environment);
  return [
    {
      id: 'token-at-risk',
      metric: sumOverProviders(namespace, METRICS.tokenAtRisk, MINUTE),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      missing: TreatMissingData.NOT_BREACHING,
      meaning: 'A token the provider issued could not be stored; its connection may need the user to reconnect.',
    },
    {
      id: 'sweep-heartbeat',
      metric: count(namespace, METRICS.sweepHeartbeat, HEARTBEAT_WINDOW),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.BREACHING,
      meaning: 'The scheduled refresh has not run for five minutes; tokens are refreshed only when somebody asks.',
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
        comparisonOperator: watch.comparison,
        treatMissingData: watch.missing,
        evaluationPeriods: 1,
      });
    }
  }
}

function count(namespace: string, metricName: MetricName, period: Duration, provider?: string): Metric {
  return new Metric({
    namespace,
    metricName,
    statistic: Stats.SUM,
    period,
    ...(provider === undefined ? {} : { dimensionsMap: { provider } }),
  });
}

/** CloudWatch does not add up what was counted under dimensions. */
function sumOverProviders(namespace: string, metricName: MetricName, period: Duration): MathExpression {
  const byProvider = PROVIDER_IDS.map(
    (provider) => [provider, count(namespace, metricName, period, provider)] as const,
  );
  return new MathExpression({
    expression: byProvider.map(([provider]) => `FILL(${provider}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(byProvider),
    period,
    label: metricName,
  });
}
