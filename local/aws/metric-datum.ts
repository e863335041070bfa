import { AwsError } from './aws-error.ts';
import { optionalString, requireString } from './input.ts';
import type { Datum } from './metric-data.ts';

type Input = Readonly<Record<string, unknown>>;

interface Values extends Omit<Datum, 'summary'> {
  /** Each with how often it came; at least one. */
  readonly values: readonly (readonly [value: number, times: number])[];
}

/** A datum of single values. */
export function datumOf({ values, ...datum }: Values): Datum {
  const numbers = values.map(([value]) => value);
  const times = new Map<number, number>();
  for (const [value, count] of values) times.set(value, (times.get(value) ?? 0) + count);
  return {
    ...datum,
    summary: {
      count: values.reduce((sum, [, count]) => sum + count, 0),
      sum: values.reduce((sum, [value, count]) => sum + value * count, 0),
      minimum: Math.min(...numbers),
      maximum: Math.max(...numbers),
      values: times,
    },
  };
}

/**
 * A MetricDatum of PutMetricData, which has either `Value`, or `Values` with `Counts`, or `StatisticValues`. Throws
 * InvalidParameterValueException for anything else.
 */
export function parseDatum(input: Input, { namespace, now }: { namespace: string; now: number }): Datum {
  const { Value, Values, Counts, StatisticValues } = input as {
    Value?: number;
    Values?: number[];
    Counts?: number[];
    StatisticValues?: { SampleCount: number; Sum: number; Minimum: number; Maximum: number };
  };
  if ([Value, Values, StatisticValues].filter((form) => form !== undefined).length !== 1) {
    throw invalid('A datum needs exactly one of Value, Values and StatisticValues.');
  }
  const datum = {
    namespace,
    name: requireString(input, 'MetricName'),
    dimensions: (input.Dimensions ?? []) as Datum['dimensions'],
    unit: optionalString(input, 'Unit') ?? 'None',
    at: typeof input.Timestamp === 'number' ? Math.round(input.Timestamp * 1000) : now,
  };
  const values = Values ?? (Value === undefined ? [] : [Value]);
  if (StatisticValues === undefined) {
    return requireFinite(datumOf({ ...datum, values: values.map((value, index) => [value, Counts?.[index] ?? 1]) }));
  }
  const { SampleCount, Sum, Minimum, Maximum } = StatisticValues;
  const summary = { count: SampleCount, sum: Sum, minimum: Minimum, maximum: Maximum, values: new Map() };
  return requireFinite({ ...datum, summary });
}

function requireFinite(datum: Datum): Datum {
  const { count, sum, minimum, maximum } = datum.summary;
  if ([count, sum, minimum, maximum].every(Number.isFinite)) return datum;
  throw invalid('A datum holds finite numbers only.');
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
