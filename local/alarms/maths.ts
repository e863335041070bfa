/**
 * CloudWatch's metric maths, as far as alarms use it: one number per period, computed from the series of other queries.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
import { FUNCTIONS } from './maths-functions.ts';
import { combine, type Scope, type Value } from './maths-values.ts';
import { AlarmError, type Series } from './model.ts';
import { Tokens } from './tokens.ts';

/** An expression that was read. */
export interface Expression {
  /** The ids it refers to; those METRICS() takes are not among them. */
  readonly references: readonly string[];
  readonly usesMetrics: boolean;
  /** One value per period. Throws `AlarmError` when it does not come to one series. */
  evaluate(scope: Scope): Series;
}

/**
 * Reads an expression: ids, numbers, `+ - * / ^`, comparisons, `AND OR && ||`, arrays and the functions of FUNCTIONS.
 * Throws `AlarmError` for any other function and for what is no expression.
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(new Tokens(text, 'maths'));
  const root = parser.parse();
  return {
    references: [...parser.references],
    usesMetrics: parser.usesMetrics,
    evaluate(scope) {
      const value = root(scope);
      if (value.kind === 'list' || value.kind === 'word') throw new AlarmError(`${text} does not come to one series`);
      return value.kind === 'series' ? value.series : Array.from({ length: scope.periods }, () => value.number);
    },
  };
}

type Node = (scope: Scope) => Value;

/** From what binds least to what binds most. */
const LEVELS: readonly (readonly string[])[] = [
  ['OR', '||'],
  ['AND', '&&'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
];

class Parser {
  readonly #tokens: Tokens;
  readonly references = new Set<string>();
  usesMetrics = false;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  parse(): Node {
    const root = this.#level(0);
    this.#tokens.end();
    return root;
  }

  #level(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#negative();
    let left = this.#level(level + 1);
    for (let taken = this.#tokens.take(...operators); taken !== undefined; taken = this.#tokens.take(...operators)) {
      const [operator, first, second] = [taken, left, this.#level(level + 1)];
      left = (scope) => combine(operator, first(scope), second(scope));
    }
    return left;
  }

  #negative(): Node {
    if (!this.#tokens.take('-')) return this.#power();
    const operand = this.#negative();
    return (scope) => combine('-', { kind: 'number', number: 0 }, operand(scope));
  }

  #power(): Node {
    const base = this.#operand();
    if (!this.#tokens.take('^')) return base;
    const exponent = this.#negative();
    return (scope) => combine('^', base(scope), exponent(scope));
  }

  #operand(): Node {
    const number = this.#tokens.takeKind('number');
    if (number !== undefined) return () => ({ kind: 'number', number: Number(number) });
    const text = this.#tokens.takeKind('text');
    if (text !== undefined) return () => ({ kind: 'word', word: text });
    if (this.#tokens.take('[')) {
      const items = this.#list(']');
      return (scope) => ({ kind: 'list', list: items.flatMap((item) => seriesIn(item(scope))) });
    }
    if (this.#tokens.take('(')) {
      const inner = this.#level(0);
      this.#tokens.need(')');
      return inner;
    }
    const word = this.#tokens.takeKind('word') ?? this.#tokens.fail();
    return this.#tokens.take('(') ? this.#call(word) : this.#reference(word);
  }

  #reference(word: string): Node {
    // Ids begin with a small letter; what does not is an option of a function.
    if (!/^[a-z]/.test(word)) return () => ({ kind: 'word', word });
    this.references.add(word);
    return (scope) => ({ kind: 'series', series: scope.seriesOf(word) });
  }

  #call(name: string): Node {
    const items = this.#list(')');
    if (name === 'METRICS') this.usesMetrics = true;
    const perform = FUNCTIONS[name];
    if (perform === undefined) throw new AlarmError(`the function ${name} is not computed by the local platform`);
    return (scope) =>
      perform(
        items.map((item) => item(scope)),
        scope,
      );
  }

  #list(end: string): readonly Node[] {
    if (this.#tokens.take(end)) return [];
    const items = [this.#level(0)];
    while (this.#tokens.take(',')) items.push(this.#level(0));
    this.#tokens.need(end);
    return items;
  }
}

function seriesIn(value: Value): readonly Series[] {
  if (value.kind === 'series') return [value.series];
  if (value.kind === 'list') return value.list;
  throw new AlarmError('an array holds series only');
}
