import { describe, expect, test } from 'vitest';
import { parseExpression } from '../../../local/alarms/maths.ts';
import type { Series } from '../../../local/alarms/model.ts';

const none = undefined;
const METRICS: Readonly<Record<string, Series>> = {
  a: [30, 20, 0, 0],
  b: [20, none, 20, none],
  empty: [none, none, none, none],
};

function evaluate(text: string): Series {
  return parseExpression(text).evaluate({
    seriesOf: (id) => METRICS[id] ?? [],
    metricIds: Object.keys(METRICS),
    periodSeconds: 300,
    periods: 4,
  });
}

describe('metric maths', () => {
  test.for<[string, Series]>([
    // The three of the documentation.
    ['a < b', [0, 0, 1, 0]],
    ['a >= 30', [1, 0, 0, 0]],
    ['a > 15 AND b > 15', [1, 0, 0, 0]],
    ['a > 25 OR b > 15', [1, 0, 1, 0]],
    ['a == 30 || b == 20', [1, 0, 1, 0]],
    ['a != 0 && b != 0', [1, 0, 0, 0]],
    ['a + b', [50, 20, 20, 0]],
    ['b + 1', [21, none, 21, none]],
    ['b + empty', [20, none, 20, none]],
    ['100 * b / a', [200 / 3, 0, none, none]],
    ['1 + 2 * 3 ^ 2 - 4', [15, 15, 15, 15]],
    ['(1 + 2) * 3', [9, 9, 9, 9]],
    ['-b', [-20, none, -20, none]],
    ['FILL(b, 0)', [20, 0, 20, 0]],
    ['FILL(empty, 7)', [7, 7, 7, 7]],
    ['FILL(b, REPEAT)', [20, 20, 20, 20]],
    ['FILL(b, a)', [20, 20, 20, 0]],
    ['IF(a > 10, b, -1)', [20, none, -1, -1]],
    ['IF(a > 10, 1)', [1, 1, none, none]],
    ['IF(b > 10, 1, 0)', [1, none, 1, none]],
    ['IF(FILL(b, 0) > 0.5, 0, IF(a >= 20, 100 * b / a, 100))', [0, 0, 0, 100]],
    ['SUM([a, b])', [50, 20, 20, 0]],
    ['AVG([a, b])', [25, 10, 10, 0]],
    ['MAX([a, b])', [30, 20, 20, 0]],
    ['MIN([a, b])', [20, 20, 0, 0]],
    ['SUM(METRICS())', [50, 20, 20, 0]],
    ['SUM(FILL(METRICS("b"), 1))', [20, 1, 20, 1]],
    ['a / MAX(a)', [1, 2 / 3, 0, 0]],
    ['SUM(b) + a', [70, 60, 40, 40]],
    ['a / PERIOD(a)', [0.1, 20 / 300, 0, 0]],
    ['METRIC_COUNT(METRICS())', [3, 3, 3, 3]],
    ['CEIL(a / 20)', [2, 1, 0, 0]],
    ['FLOOR(ABS(-a) / 20)', [1, 1, 0, 0]],
  ])('%s is %j', ([text, expected]) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test.for([
    ['ANOMALY_DETECTION_BAND(a, 3)', 'the function ANOMALY_DETECTION_BAND is not computed'],
    ['a +', 'its end is unexpected in a +'],
    ['a b', "'b' is unexpected in a b"],
    ['a ? 1', "'?' is not understood"],
    ['FILL(a, 0', 'its end is unexpected'],
  ])('%s is refused before it is computed', ([text = '', message]) => {
    expect(() => parseExpression(text)).toThrow(message);
  });

  test.for([
    ['METRICS()', 'METRICS() does not come to one series'],
    ['FILL(a, LINEAR)', 'FILL needs a number, a series or REPEAT'],
    ['[a, b] + [a, b]', 'two arrays cannot stand beside +'],
    ['IF(a)', 'IF needs a condition and a value'],
  ])('%s is refused', ([text = '', message]) => {
    expect(() => evaluate(text)).toThrow(message);
  });

  test('tells what it refers to', () => {
    const { references, usesMetrics } = parseExpression('IF(a > 1, b, a) + SUM(METRICS())');
    expect([references, usesMetrics]).toEqual([['a', 'b'], true]);
  });
});
