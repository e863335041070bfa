import { GraphWidget, type HorizontalAnnotation, type IMetric, SearchExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricNamespace } from '../lib/domain/names.ts';
import { MINUTE } from './metrics.ts';

/** A quarter of the width of 24 units, and so low that five rows are one screen. */
const SIZE = { width: 6, height: 4 } as const;

/** What a graph shows besides its lines. */
interface Looks {
  /** Lines on the right axis, of another unit. */
  readonly right?: readonly IMetric[];
  readonly stacked?: boolean;
  /** A threshold somebody is woken at. */
  readonly alarmAt?: number;
}

/** One graph of the dashboard, from 0 up. */
export function graph(title: string, left: readonly IMetric[], { right, stacked, alarmAt }: Looks = {}): GraphWidget {
  const annotations: HorizontalAnnotation[] = alarmAt === undefined ? [] : [{ value: alarmAt, label: 'alarm' }];
  return new GraphWidget({
    ...SIZE,
    title,
    left: [...left],
    leftYAxis: { min: 0 },
    leftAnnotations: annotations,
    ...(right === undefined ? {} : { right: [...right], rightYAxis: { min: 0 } }),
    ...(stacked === undefined ? {} : { stacked }),
  });
}

/** A metric of ours under every provider and outcome there is: for graphs only, no alarm can search. */
export function everyOutcome(environment: string, name: MetricName): SearchExpression {
  const metrics = `{${metricNamespace(environment)},provider,outcome} MetricName="${name}"`;
  return new SearchExpression({ expression: `SEARCH('${metrics}', 'Sum', 60)`, period: MINUTE });
}
