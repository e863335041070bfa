import { AwsError } from './aws-error.ts';

/** One datum of a metric, already summed up. */
export interface Datum {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly unit: string;
  readonly at: number;
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** A MetricDataQuery of GetMetricData. */
export interface MetricQuery {
  readonly Id: string;
  readonly Label?: string;
  readonly Expression?: string;
  readonly MetricStat?: {
    readonly Metric: {
      readonly Namespace?: string;
      readonly MetricName?: string;
      readonly Dimensions?: Datum['dimensions'];
    };
    readonly Period: number;
    readonly Stat: string;
    readonly Unit?: string;
  };
}

interface Window {
  readonly startAt: number;
  readonly endAt: number;
  readonly newestFirst: boolean;
}

const STATISTICS: Readonly<Record<string, (data: readonly Datum[]) => number>> = {
  SampleCount: (data) => total(data, 'count'),
  Sum: (data) => total(data, 'sum'),
  Average: (data) => total(data, 'sum') / total(data, 'count'),
  Minimum: (data) => Math.min(...data.map(({ minimum }) => minimum)),
  Maximum: (data) => Math.max(...data.map(({ maximum }) => maximum)),
};

/**
 * The MetricDataResult of one query: one value per period that has data. Throws ValidationException for metric maths and
 * for statistics other than SampleCount, Sum, Average, Minimum and Maximum.
 */
export function queryMetric(query: MetricQuery, data: readonly Datum[], window: Window): object {
  const { Id, Label, MetricStat } = query;
  const statistic = STATISTICS[MetricStat?.Stat ?? ''];
  if (!MetricStat || query.Expression)
    throw new AwsError('ValidationException', 'Metric maths is not supported locally.');
  if (!statistic) throw new AwsError('ValidationException', `Stat ${MetricStat.Stat} is not supported locally.`);
  const periodMs = MetricStat.Period * 1000;
  if (!(periodMs > 0)) throw new AwsError('ValidationException', 'Period must be greater than 0.');
  const periods = Map.groupBy(
    data.filter((datum) => isOf(datum, MetricStat) && datum.at >= window.startAt && datum.at < window.endAt),
    ({ at }) => Math.floor(at / periodMs) * periodMs,
  );
  const points = [...periods].toSorted(([a], [b]) => (window.newestFirst ? b - a : a - b));
  return {
    Id,
    Label: Label ?? MetricStat.Metric.MetricName,
    Timestamps: points.map(([at]) => at / 1000),
    Values: points.map(([, group]) => statistic(group)),
    StatusCode: 'Complete',
  };
}

/** Dimensions must be the same set: each combination is a metric of its own. */
function isOf(datum: Datum, { Metric, Unit }: NonNullable<MetricQuery['MetricStat']>): boolean {
  if (datum.namespace !== Metric.Namespace || datum.name !== Metric.MetricName) return false;
  if (Unit !== undefined && Unit !== datum.unit) return false;
  return dimensionsKey(datum.dimensions) === dimensionsKey(Metric.Dimensions ?? []);
}

function dimensionsKey(dimensions: Datum['dimensions']): string {
  return JSON.stringify(dimensions.map(({ Name, Value }) => [Name, Value]).toSorted());
}

function total(data: readonly Datum[], member: 'count' | 'sum'): number {
  return data.reduce((sum, datum) => sum + datum[member], 0);
}
