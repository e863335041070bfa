import { expect, test } from 'vitest';
import { parseRule } from '../../../local/alarms/composite.ts';
import type { AlarmState } from '../../../local/alarms/model.ts';

const STATES: Readonly<Record<string, AlarmState>> = { hot: 'ALARM', cold: 'OK', new: 'INSUFFICIENT_DATA' };
const ARN = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm';

test.for<[string, boolean]>([
  ['ALARM("hot")', true],
  ['ALARM(hot)', true],
  [`ALARM("${ARN}:hot")`, true],
  [`ALARM(${ARN}:cold)`, false],
  ['OK("cold") AND INSUFFICIENT_DATA("new")', true],
  ['ALARM("nobody") OR OK("nobody") OR INSUFFICIENT_DATA("nobody")', false],
  ['NOT ALARM("cold")', true],
  ['NOT ALARM("cold") AND ALARM("cold")', false],
  ['NOT (ALARM("cold") AND ALARM("cold"))', true],
  ['ALARM("hot") OR ALARM("hot") AND ALARM("cold")', true],
  ['(ALARM("hot") OR ALARM("hot")) AND ALARM("cold")', false],
  ['TRUE AND NOT FALSE', true],
])('%s is %s', ([rule, expected]) => {
  expect(parseRule(rule).holds((name) => STATES[name])).toBe(expected);
});

test('tells which alarms it speaks of, by name', () => {
  expect(parseRule(`ALARM("${ARN}:a") OR NOT OK("b") OR ALARM("a")`).children).toEqual(['a', 'b']);
});

test.for([
  ['AT_LEAST(2, ALARM, (a, b))', "'AT_LEAST' is unexpected"],
  ['ALARM("a"', 'its end is unexpected'],
  ['ALARM("a") ALARM("b")', "'ALARM' is unexpected"],
  ['ALARM("arn:aws:sns:us-east-1:000000000000:a")', 'is not the ARN of an alarm'],
])('%s is refused', ([rule = '', message]) => {
  expect(() => parseRule(rule)).toThrow(message);
});
