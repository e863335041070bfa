import { type Expression, parseExpression } from './maths.ts';
import { AlarmError, type MetricQuery, type MetricStat, type ReadSeries, type Series, type Window } from './model.ts';

/** Queries that refer to each other by id, ready to be computed. */
export interface QuerySet {
  /** The metrics a query is computed from, directly or through other expressions. */
  metricsOf(id: string): readonly MetricStat[];
  periodSecondsOf(id: string): number;
  /** One value per period. Throws `AlarmError` when the expression does not come to one series. */
  compute(id: string, read: ReadSeries, window: Window): Series;
}

/**
 * Throws `AlarmError` for an expression that is not understood, an id that does not exist, an expression that refers to
 * itself, and one over metrics of different periods.
 */
export function prepareQueries(queries: readonly MetricQuery[]): QuerySet {
  return new Queries(queries);
}

class Queries implements QuerySet {
  readonly #stats = new Map<string, MetricStat>();
  readonly #expressions = new Map<string, Expression>();

  constructor(queries: readonly MetricQuery[]) {
    for (const { id, source } of queries) {
      if ('stat' in source) this.#stats.set(id, source.stat);
      else this.#expressions.set(id, parseExpression(source.expression));
    }
    for (const id of this.#expressions.keys()) this.periodSecondsOf(id);
  }

  metricsOf(id: string): readonly MetricStat[] {
    return [...this.#idsUnder(id, [])].map((own) => this.#stats.get(own)).filter((stat) => stat !== undefined);
  }

  periodSecondsOf(id: string): number {
    const periods = new Set(this.metricsOf(id).map(({ periodSeconds }) => periodSeconds));
    const [period] = periods;
    if (period === undefined) throw new AlarmError(`${id} is computed from no metric`);
    if (periods.size > 1) throw new AlarmError(`the metrics of ${id} have different periods`);
    return period;
  }

  compute(id: string, read: ReadSeries, window: Window): Series {
    const known = new Map<string, Series>();
    const scope = {
      seriesOf: (wanted: string): Series => {
        const series = known.get(wanted) ?? this.#seriesOf(wanted, scope, (stat) => read(stat, window));
        known.set(wanted, series);
        return series;
      },
      metricIds: [...this.#stats.keys()],
      periodSeconds: this.periodSecondsOf(id),
      periods: window.periods,
    };
    return scope.seriesOf(id);
  }

  #seriesOf(id: string, scope: Parameters<Expression['evaluate']>[0], read: (stat: MetricStat) => Series): Series {
    const stat = this.#stats.get(id);
    if (stat !== undefined) return read(stat);
    const expression = this.#expressions.get(id);
    if (expression === undefined) throw new AlarmError(`nothing has the id ${id}`);
    return expression.evaluate(scope);
  }

  /** The ids of the metrics under an id. */
  #idsUnder(id: string, path: readonly string[]): ReadonlySet<string> {
    if (this.#stats.has(id)) return new Set([id]);
    const expression = this.#expressions.get(id);
    if (expression === undefined) throw new AlarmError(`nothing has the id ${id}`);
    if (path.includes(id)) throw new AlarmError(`${id} refers to itself`);
    const own = expression.usesMetrics ? [...this.#stats.keys()] : [];
    return new Set([...own, ...expression.references.flatMap((next) => [...this.#idsUnder(next, [...path, id])])]);
  }
}
