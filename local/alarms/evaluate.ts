import { EXTRA_PERIODS, judge, type Point } from './judge.ts';
import type { AlarmState, MetricAlarm, ReadSeries, Window } from './model.ts';
import type { QuerySet } from './queries.ts';
import { percentileOf } from './statistics.ts';

/** What an alarm is judged by. */
export interface Evidence {
  readonly read: ReadSeries;
  /** The end of the last whole minute. */
  readonly endAt: number;
  /** Whether the clock jumped over a part of that time. */
  isLeapt(fromAt: number, toAt: number): boolean;
}

export interface Verdict {
  readonly state: AlarmState;
  readonly reason: string;
}

/**
 * What CloudWatch would make of an alarm at `endAt`; undefined when it stays as it is. Windows slide: the last period ends at
 * `endAt`, whatever its length. A period that the clock leapt over, wholly or in part, and in which nothing was measured does
 * not breach: nobody was there to measure. Throws `AlarmError` when the alarm's expression does not come to one series.
 */
export function evaluateAlarm(alarm: MetricAlarm, queries: QuerySet, evidence: Evidence): Verdict | undefined {
  if (alarm.ignoresLowSamples && hasFewSamples(alarm, queries, evidence)) return undefined;
  const window = { endAt: evidence.endAt, periods: alarm.evaluationPeriods + EXTRA_PERIODS };
  const values = queries.compute(alarm.judged, evidence.read, window);
  const isUnmeasured = unmeasured(alarm, queries, { ...evidence, window });
  const points = values.map((value, index) => pointOf(value, { alarm, isUnmeasured: isUnmeasured(index) }));
  const state = judge(points, alarm);
  if (state === undefined) return undefined;
  const shown = values.slice(-alarm.evaluationPeriods).map((value) => value ?? '-');
  const { datapointsToAlarm, evaluationPeriods, threshold } = alarm;
  const rule = `${datapointsToAlarm} of ${evaluationPeriods} against the threshold ${threshold}`;
  return { state, reason: `the latest data points are [${shown.join(', ')}]; it takes ${rule}` };
}

function pointOf(
  value: number | undefined,
  given: { readonly alarm: MetricAlarm; readonly isUnmeasured: boolean },
): Point {
  const { alarm, isUnmeasured } = given;
  if (value === undefined) return isUnmeasured && alarm.missing === 'breaching' ? 'fine' : 'missing';
  return alarm.comparison(value, alarm.threshold) && !isUnmeasured ? 'breaching' : 'fine';
}

/** Tells of each period whether it was leapt over, at least in part, and no metric of the alarm has data in it. */
function unmeasured(
  { judged, periodSeconds }: MetricAlarm,
  queries: QuerySet,
  { read, isLeapt, window }: Evidence & { readonly window: Window },
): (index: number) => boolean {
  const periodMs = periodSeconds * 1000;
  const isMeasured = (index: number) =>
    queries.metricsOf(judged).some((stat) => read({ ...stat, statistic: 'SampleCount' }, window)[index] !== undefined);
  return (index) => {
    const toAt = window.endAt - (window.periods - 1 - index) * periodMs;
    return isLeapt(toAt - periodMs, toAt) && !isMeasured(index);
  };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html */
function hasFewSamples(alarm: MetricAlarm, queries: QuerySet, { read, endAt }: Evidence): boolean {
  const window = { endAt, periods: alarm.evaluationPeriods };
  return queries.metricsOf(alarm.judged).some((stat) => {
    const percentile = percentileOf(stat.statistic);
    if (percentile === undefined) return false;
    const samples = read({ ...stat, statistic: 'SampleCount' }, window).reduce<number>(
      (sum, one) => sum + (one ?? 0),
      0,
    );
    return samples < Math.round(10 / (percentile < 0.5 ? percentile : 1 - percentile));
  });
}
