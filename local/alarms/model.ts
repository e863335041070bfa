/** Alarms as CloudWatch has them, read from a template, and what they are judged by. Nothing here knows how data come in. */

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** One metric: each set of dimensions is a metric of its own. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly Dimension[];
}

export interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

/** A metric summed up per period. */
export interface MetricStat {
  readonly metric: MetricName;
  readonly periodSeconds: number;
  /** `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile as `p99` or `p99.9`. */
  readonly statistic: string;
  /** Only data of this unit; absent means any. */
  readonly unit?: string;
}

/** One of the queries of an alarm or of GetMetricData: a metric, or an expression over other queries by their ids. */
export interface MetricQuery {
  readonly id: string;
  readonly source: { readonly stat: MetricStat } | { readonly expression: string };
}

/** One value per period, oldest first; undefined where there is none. */
export type Series = readonly (number | undefined)[];

/** So many periods, the last of which ends at `endAt`. */
export interface Window {
  readonly endAt: number;
  readonly periods: number;
}

/** Where data points come from. */
export type ReadSeries = (stat: MetricStat, window: Window) => Series;

export interface MetricAlarm {
  readonly kind: 'MetricAlarm';
  readonly queries: readonly MetricQuery[];
  /** The id of the query that is compared with the threshold. */
  readonly judged: string;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: Comparison;
  readonly threshold: number;
  readonly missing: 'missing' | 'ignore' | 'breaching' | 'notBreaching';
  /** A percentile of few values is not judged; see `EvaluateLowSampleCountPercentile`. */
  readonly ignoresLowSamples: boolean;
}

export type Comparison = (value: number, threshold: number) => boolean;

export interface CompositeAlarm {
  readonly kind: 'CompositeAlarm';
  readonly rule: string;
}

/** Why an alarm cannot be judged here. */
export interface UnjudgedAlarm {
  readonly kind: 'unjudged';
  readonly reason: string;
}

/** An alarm of a template. */
export interface AlarmDefinition {
  readonly name: string;
  readonly type: 'MetricAlarm' | 'CompositeAlarm';
  readonly judgement: MetricAlarm | CompositeAlarm | UnjudgedAlarm;
  /** ARNs, by the state that calls for them; none when actions are switched off. */
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  /** The template's properties, which are also the fields of DescribeAlarms. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** An alarm, a rule or an expression that cannot be understood; the message says what is not. */
export class AlarmError extends Error {
  override readonly name = 'AlarmError';
}
