import type { Dimension, MetricStat, Series, Window } from '../alarms/model.ts';
import { type Summary, statisticOf } from '../alarms/statistics.ts';

/** One datum of a metric. */
export interface Datum {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  readonly unit: string;
  readonly at: number;
  readonly summary: Summary;
}

/** The data of all metrics, minute by minute. */
export interface MetricData {
  add(datum: Datum): void;
  /** One value per period of a metric; periods begin where the window says and are whole minutes long. */
  readonly read: (stat: MetricStat, window: Window) => Series;
  /** Every metric that has data, as `Namespace Name {dimension=value,…}`. */
  names(): readonly string[];
}

/** Kept of each metric: so many minutes that have data. A day of them, and what an alarm looks back beyond its range. */
const KEEP_MINUTES = 1_600;

/** More would be a fault of whoever measures: a dimension that should not be one. */
const KEEP_METRICS = 2_000;

/** So many different values of a minute are kept as they are; further ones are rounded to two digits. */
const KEEP_VALUES = 500;

const MINUTE_MS = 60_000;

/** No data. What is kept is bounded: of each metric its last minutes with data, and of all metrics those that came last. */
export function createMetricData(): MetricData {
  return new MinuteData();
}

/** By the minute since 1970, the least first as long as time only goes forward. */
type Minutes = Map<number, Mutable>;

type Mutable = { -readonly [K in keyof Summary]: K extends 'values' ? Map<number, number> : Summary[K] };

class MinuteData implements MetricData {
  /** By metric, then by unit. */
  readonly #metrics = new Map<string, Map<string, Minutes>>();

  add({ unit, at, summary, ...metric }: Datum): void {
    const minutes = this.#minutesOf(keyOf(metric), unit);
    const minute = Math.floor(at / MINUTE_MS);
    const kept = minutes.get(minute);
    if (kept === undefined) minutes.set(minute, { ...summary, values: new Map(summary.values) });
    else merge(kept, summary);
    if (minutes.size > KEEP_MINUTES) minutes.delete(minutes.keys().next().value ?? minute);
  }

  readonly read = ({ metric, periodSeconds, statistic, unit }: MetricStat, { endAt, periods }: Window): Series => {
    const byUnit = [...(this.#metrics.get(keyOf(metric)) ?? [])];
    const chosen = byUnit.filter(([own]) => unit === undefined || own === unit).map(([, minutes]) => minutes);
    const minutesEach = periodSeconds / 60;
    const end = Math.floor(endAt / MINUTE_MS);
    return Array.from({ length: periods }, (_, index) => {
      const from = end - (periods - index) * minutesEach;
      return statisticOf(statistic, summaryOf(chosen, from, from + minutesEach));
    });
  };

  names(): readonly string[] {
    return [...this.#metrics.keys()].map((key) => {
      const [namespace, name, dimensions] = JSON.parse(key) as readonly [string, string, readonly string[][]];
      return `${namespace} ${name} {${dimensions.map((dimension) => dimension.join('=')).join(',')}}`;
    });
  }

  #minutesOf(key: string, unit: string): Minutes {
    const units = this.#metrics.get(key) ?? new Map<string, Minutes>();
    const minutes = units.get(unit) ?? new Map();
    this.#metrics.set(key, units.set(unit, minutes));
    if (this.#metrics.size > KEEP_METRICS) this.#metrics.delete(this.#metrics.keys().next().value ?? '');
    return minutes;
  }
}

function keyOf({ namespace, name, dimensions }: MetricStat['metric']): string {
  return JSON.stringify([namespace, name, dimensions.map(({ Name, Value }) => [Name, Value]).toSorted()]);
}

function summaryOf(metrics: readonly Minutes[], fromMinute: number, toMinute: number): Summary | undefined {
  let summary: Mutable | undefined;
  for (const minutes of metrics) {
    for (let minute = fromMinute; minute < toMinute; minute += 1) {
      const kept = minutes.get(minute);
      if (kept === undefined) continue;
      if (summary === undefined) summary = { ...kept, values: new Map(kept.values) };
      else merge(summary, kept);
    }
  }
  return summary;
}

function merge(into: Mutable, more: Summary): void {
  into.count += more.count;
  into.sum += more.sum;
  into.minimum = Math.min(into.minimum, more.minimum);
  into.maximum = Math.max(into.maximum, more.maximum);
  for (const [value, times] of more.values) {
    const kept = into.values.size < KEEP_VALUES || into.values.has(value) ? value : Number(value.toPrecision(2));
    into.values.set(kept, (into.values.get(kept) ?? 0) + times);
  }
}
