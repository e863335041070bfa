import { describe, expect, test } from 'vitest';
import { judge, type Point } from '../../../local/alarms/judge.ts';

const POINTS: Readonly<Record<string, Point>> = { '0': 'fine', X: 'breaching', '-': 'missing' };
const TREATMENTS = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

function judgeAll(text: string, datapointsToAlarm: number): readonly unknown[] {
  const points = text.split(' ').map((sign) => POINTS[sign] ?? 'missing');
  return TREATMENTS.map((missing) => judge(points, { evaluationPeriods: 3, datapointsToAlarm, missing }) ?? 'as it is');
}

const ALARM = ['ALARM', 'ALARM', 'ALARM', 'ALARM'];
const OK = ['OK', 'OK', 'OK', 'OK'];

/** The tables of “Configuring how CloudWatch alarms treat missing data”: missing, ignore, breaching, notBreaching. */
describe('CloudWatch’s own examples', () => {
  test.for<[string, readonly string[]]>([
    ['0 - X - X', OK],
    ['0 - - - -', OK],
    ['- - - - -', ['INSUFFICIENT_DATA', 'as it is', 'ALARM', 'OK']],
    ['0 X X - X', ALARM],
    ['- - - - X', ['INSUFFICIENT_DATA', 'as it is', 'ALARM', 'OK']],
    ['X - - - -', ['ALARM', 'as it is', 'ALARM', 'OK']],
    ['- - X - -', ['ALARM', 'as it is', 'ALARM', 'OK']],
  ])('3 of 3: %s', ([text, expected]) => {
    expect(judgeAll(text, 3)).toEqual(expected);
  });

  test.for<[string, readonly string[]]>([
    ['0 - X - X', ALARM],
    ['0 0 X 0 X', ALARM],
    ['0 - X - -', ['OK', 'OK', 'ALARM', 'OK']],
    ['- - - - 0', ['OK', 'OK', 'ALARM', 'OK']],
    ['- - - X -', ['ALARM', 'as it is', 'ALARM', 'OK']],
    ['- - - - X', ['INSUFFICIENT_DATA', 'as it is', 'ALARM', 'OK']],
  ])('2 of 3: %s', ([text, expected]) => {
    expect(judgeAll(text, 2)).toEqual(expected);
  });
});

test('only the alarm’s own periods count where there are data', () => {
  expect(judgeAll('X X 0 0 X', 2)).toEqual(OK);
  expect(judgeAll('X X X 0 0', 1)).toEqual(ALARM);
});
