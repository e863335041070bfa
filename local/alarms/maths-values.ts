import { AlarmError, type Series } from './model.ts';

/** What a part of an expression comes to. A word is an option of a function, such as REPEAT. */
export type Value =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'list'; readonly list: readonly Series[] }
  | { readonly kind: 'word'; readonly word: string };

/** What an expression may refer to. */
export interface Scope {
  /** The series of a query; throws `AlarmError` when there is none of that id. */
  seriesOf(id: string): Series;
  /** The ids of the metrics (not of expressions), for METRICS(). */
  readonly metricIds: readonly string[];
  readonly periodSeconds: number;
  readonly periods: number;
}

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '^': (left, right) => left ** right,
  '==': (left, right) => Number(left === right),
  '!=': (left, right) => Number(left !== right),
  '<=': (left, right) => Number(left <= right),
  '>=': (left, right) => Number(left >= right),
  '<': (left, right) => Number(left < right),
  '>': (left, right) => Number(left > right),
  AND: (left, right) => Number(left !== 0 && right !== 0),
  '&&': (left, right) => Number(left !== 0 && right !== 0),
  OR: (left, right) => Number(left !== 0 || right !== 0),
  '||': (left, right) => Number(left !== 0 || right !== 0),
};

/**
 * Two values under an operator. Where only one of two series has a value the other counts as 0; where neither has, or the
 * result is no number (a division by 0), there is none. Throws `AlarmError` for what cannot be combined.
 */
export function combine(operator: string, left: Value, right: Value): Value {
  const operate = OPERATORS[operator];
  if (operate === undefined) throw new AlarmError(`${operator} is no operator`);
  if (left.kind === 'word' || right.kind === 'word') throw new AlarmError(`a text cannot stand beside ${operator}`);
  if (left.kind === 'number' && right.kind === 'number') {
    return { kind: 'number', number: operate(left.number, right.number) };
  }
  if (left.kind === 'list') {
    if (right.kind === 'list') throw new AlarmError(`two arrays cannot stand beside ${operator}`);
    return { kind: 'list', list: left.list.map((series) => over(operate, { kind: 'series', series }, right)) };
  }
  if (right.kind === 'list') {
    return { kind: 'list', list: right.list.map((series) => over(operate, left, { kind: 'series', series })) };
  }
  return { kind: 'series', series: over(operate, left, right) };
}

type Plain = Extract<Value, { kind: 'number' | 'series' }>;

function over(operate: (left: number, right: number) => number, left: Plain, right: Plain): Series {
  const length = left.kind === 'series' ? left.series.length : right.kind === 'series' ? right.series.length : 0;
  return Array.from({ length }, (_, index) => {
    const first = left.kind === 'series' ? left.series[index] : left.number;
    const second = right.kind === 'series' ? right.series[index] : right.number;
    const isMissing =
      (left.kind === 'series' ? first === undefined : true) && (right.kind === 'series' ? second === undefined : true);
    const result = isMissing ? undefined : operate(first ?? 0, second ?? 0);
    return result !== undefined && Number.isFinite(result) ? result : undefined;
  });
}
