import { AlarmError } from '../alarms/model.ts';
import { prepareQueries, type QuerySet } from '../alarms/queries.ts';
import { readQuery } from '../alarms/read-alarm.ts';
import { AwsError } from './aws-error.ts';
import type { MetricData } from './metric-data.ts';

type Input = Readonly<Record<string, unknown>>;

/** CloudWatch answers with no more data points. */
const MAX_POINTS = 100_800;

/**
 * The answer of GetMetricData: of each query that returns data one value per period that has one. Throws
 * ValidationException for what the alarms' metric maths does not know, for periods that are not whole minutes and for too
 * many data points.
 */
export function queryMetrics(input: Input, data: MetricData): object {
  const window = { startAt: Number(input.StartTime) * 1000, endAt: Number(input.EndTime) * 1000 };
  if (!(window.startAt < window.endAt)) {
    throw new AwsError('InvalidParameterValueException', 'The parameter EndTime must be greater than StartTime.');
  }
  const wire = (input.MetricDataQueries ?? []) as Input[];
  const newestFirst = input.ScanBy !== 'TimestampAscending';
  try {
    const queries = prepareQueries(wire.map(readQuery));
    const returned = wire.filter(({ ReturnData }) => ReturnData !== false);
    return {
      MetricDataResults: returned.map((query) => resultOf(query, { queries, data, window, newestFirst })),
      Messages: [],
    };
  } catch (error) {
    if (error instanceof AlarmError) throw new AwsError('ValidationException', error.message);
    throw error;
  }
}

interface Asked {
  readonly queries: QuerySet;
  readonly data: MetricData;
  readonly window: { readonly startAt: number; readonly endAt: number };
  readonly newestFirst: boolean;
}

function resultOf({ Id, Label, MetricStat }: Input, { queries, data, window, newestFirst }: Asked): object {
  const id = String(Id);
  const periodMs = queries.periodSecondsOf(id) * 1000;
  const [first, end] = [Math.floor(window.startAt / periodMs), Math.ceil(window.endAt / periodMs)];
  if (end - first > MAX_POINTS) throw new AlarmError(`it would have more than ${MAX_POINTS} data points`);
  const series = queries.compute(id, data.read, { endAt: end * periodMs, periods: end - first });
  const all = series.map((value, index) => ({ at: (first + index) * periodMs, value }));
  const points = all.filter(({ value }) => value !== undefined);
  if (newestFirst) points.reverse();
  const { Metric } = (MetricStat ?? {}) as { readonly Metric?: { readonly MetricName?: string } };
  return {
    Id: id,
    Label: Label ?? Metric?.MetricName ?? id,
    Timestamps: points.map(({ at }) => at / 1000),
    Values: points.map(({ value }) => value),
    StatusCode: 'Complete',
  };
}
