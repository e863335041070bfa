import type { Scope, Value } from './maths-values.ts';
import { AlarmError, type Series } from './model.ts';

type Perform = (given: readonly Value[], scope: Scope) => Value;

/** The functions of metric maths that are computed here, by name. */
export const FUNCTIONS: Readonly<Record<string, Perform>> = {
  METRICS: ([filter], scope) => ({
    kind: 'list',
    list: scope.metricIds.filter((id) => id.includes(wordOf(filter))).map((id) => scope.seriesOf(id)),
  }),
  PERIOD: (_, { periodSeconds }) => ({ kind: 'number', number: periodSeconds }),
  METRIC_COUNT: ([list]) => ({ kind: 'number', number: listOf(list).length }),
  DATAPOINT_COUNT: across((values) => values.length),
  SUM: across((values) => values.reduce((sum, value) => sum + value, 0)),
  // In an array a missing value counts as 0.
  AVG: across((values, count) => values.reduce((sum, value) => sum + value, 0) / count),
  MIN: across((values) => Math.min(...values)),
  MAX: across((values) => Math.max(...values)),
  ABS: each(Math.abs),
  CEIL: each(Math.ceil),
  FLOOR: each(Math.floor),
  FILL: fill,
  IF: choose,
};

/** Over a series: a number. Over an array: a series, with each period's values; where no series has one there is none. */
function across(sum: (values: readonly number[], count: number) => number): Perform {
  return ([given], { periods }) => {
    if (given?.kind === 'series') {
      const values = given.series.filter((value) => value !== undefined);
      return { kind: 'number', number: values.length === 0 ? 0 : sum(values, values.length) };
    }
    const list = listOf(given);
    const series = Array.from({ length: periods }, (_, index) => {
      const values = list.map((one) => one[index]).filter((value) => value !== undefined);
      return values.length === 0 ? undefined : sum(values, list.length);
    });
    return { kind: 'series', series };
  };
}

function each(change: (value: number) => number): Perform {
  const changed = (series: Series) => series.map((value) => (value === undefined ? undefined : change(value)));
  return ([given]) => mapSeries(given, changed);
}

/** Missing values become a number, another series' value, or (REPEAT) the one before. */
function fill([given, filler]: readonly Value[]): Value {
  if (filler?.kind === 'word' && filler.word === 'REPEAT') {
    return mapSeries(given, (series) => {
      let last: number | undefined;
      return series.map((value) => {
        last = value ?? last;
        return last;
      });
    });
  }
  if (filler?.kind !== 'number' && filler?.kind !== 'series') {
    throw new AlarmError('FILL needs a number, a series or REPEAT');
  }
  const at = (index: number) => (filler.kind === 'number' ? filler.number : filler.series[index]);
  return mapSeries(given, (series) => series.map((value, index) => value ?? at(index)));
}

/** IF(condition, then, else): where the condition has no value there is none; without `else`, where it is false neither. */
function choose([condition, then, otherwise]: readonly Value[], { periods }: Scope): Value {
  if (condition === undefined || then === undefined) throw new AlarmError('IF needs a condition and a value');
  const series = Array.from({ length: periods }, (_, index) => {
    const holds = valueAt(condition, index);
    if (holds === undefined) return undefined;
    const chosen = holds === 0 ? otherwise : then;
    return chosen === undefined ? undefined : valueAt(chosen, index);
  });
  return { kind: 'series', series };
}

function valueAt(value: Value, index: number): number | undefined {
  if (value.kind === 'number') return value.number;
  if (value.kind === 'series') return value.series[index];
  throw new AlarmError('IF takes numbers and single series');
}

function mapSeries(given: Value | undefined, change: (series: Series) => Series): Value {
  if (given?.kind === 'series') return { kind: 'series', series: change(given.series) };
  return { kind: 'list', list: listOf(given).map(change) };
}

function listOf(value: Value | undefined): readonly Series[] {
  if (value?.kind !== 'list') throw new AlarmError('a function was given something else than series');
  return value.list;
}

function wordOf(value: Value | undefined): string {
  return value?.kind === 'word' ? value.word : '';
}
