import { beforeEach, describe, expect, test } from 'vitest';
import { type AlarmBoard, createAlarmBoard } from '../../../local/alarms/alarm-board.ts';
import { readCompositeAlarm, readMetricAlarm } from '../../../local/alarms/read-alarm.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const [PAGE, TICKET] = ['arn:aws:sns:us-east-1:000000000000:page', 'arn:aws:sns:us-east-1:000000000000:ticket'];

const metricAlarm = (name: string, more: object = {}) =>
  readMetricAlarm(name, {
    Namespace: 'App',
    MetricName: name,
    Period: 60,
    Statistic: 'Sum',
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: [TICKET],
    ...more,
  });
const composite = (name: string, AlarmRule: string) =>
  readCompositeAlarm(name, { AlarmRule, AlarmActions: [PAGE], OKActions: [PAGE] });

let now: number;
let board: AlarmBoard;
beforeEach(() => {
  now = NOON;
  board = createAlarmBoard({
    alarms: [
      metricAlarm('a'),
      metricAlarm('b', { AlarmActions: ['arn:aws:lambda:us-east-1:000000000000:function:f'] }),
      metricAlarm('c', { ThresholdMetricId: 'band' }),
      composite('outer', 'ALARM(inner)'),
      composite('inner', 'ALARM(a) OR ALARM(b)'),
    ],
    topics: [PAGE, TICKET],
    now: () => now,
  });
});

/** A minute later these metrics have the value 1. */
function minute(...hot: readonly string[]): void {
  now += 60_000;
  board.evaluate({
    endAt: now,
    isLeapt: () => false,
    read: ({ metric }, { periods }) =>
      Array.from({ length: periods }, () => (hot.includes(metric.name) ? 1 : undefined)),
  });
}

const states = () => Object.fromEntries(board.statuses().map(({ definition, state }) => [definition.name, state]));

describe('the board', () => {
  test('knows nothing of any alarm before it is judged, and never of one that cannot be', () => {
    expect(new Set(Object.values(states()))).toEqual(new Set(['INSUFFICIENT_DATA']));
    expect(board.statuses().find(({ definition }) => definition.name === 'c')?.reason).toMatch(
      /^it is not judged here: /,
    );
    minute();
    expect(states()).toEqual({ a: 'OK', b: 'OK', c: 'INSUFFICIENT_DATA', outer: 'OK', inner: 'OK' });
  });

  test('tells each topic once, when a state changes, and composites of composites in the same minute', () => {
    minute();
    minute('a');
    minute('a', 'b');
    minute('b');
    minute();
    const at = (minutes: number) => NOON + minutes * 60_000;
    expect(board.notifications()).toEqual([
      { at: at(1), topic: 'page', alarm: 'outer', state: 'OK' },
      { at: at(1), topic: 'page', alarm: 'inner', state: 'OK' },
      { at: at(2), topic: 'ticket', alarm: 'a', state: 'ALARM' },
      { at: at(2), topic: 'page', alarm: 'inner', state: 'ALARM' },
      { at: at(2), topic: 'page', alarm: 'outer', state: 'ALARM' },
      { at: at(5), topic: 'page', alarm: 'inner', state: 'OK' },
      { at: at(5), topic: 'page', alarm: 'outer', state: 'OK' },
    ]);
  });

  test('keeps the history, also of an action that leads nowhere', () => {
    minute();
    minute('b');
    const ofB = board.history().flatMap(({ alarm, at: _, ...item }) => (alarm.name === 'b' ? [item] : []));
    expect(ofB.slice(1)).toEqual([
      { kind: 'StateUpdate', from: 'OK', to: 'ALARM', reason: expect.stringContaining('[1]') },
      {
        kind: 'Action',
        action: 'arn:aws:lambda:us-east-1:000000000000:function:f',
        state: 'ALARM',
        error: 'it is no topic of this assembly',
      },
    ]);
  });

  test('takes a state that is set by hand until the next minute, with its composites at once', () => {
    minute();
    board.set('a', 'ALARM', 'a drill');
    expect(states()).toMatchObject({ a: 'ALARM', inner: 'ALARM', outer: 'ALARM' });
    expect(board.statuses()[0]?.reason).toBe('a drill');
    minute();
    expect(states()).toMatchObject({ a: 'OK', inner: 'OK', outer: 'OK' });
    expect(() => board.set('nobody', 'OK', '')).toThrow('there is no alarm nobody');
  });

  test('leaves a composite that was set by hand until one of its alarms changes', () => {
    minute();
    board.set('inner', 'ALARM', 'a drill');
    minute();
    expect(states()).toMatchObject({ inner: 'ALARM', outer: 'ALARM' });
    minute('a');
    minute();
    expect(states()).toMatchObject({ inner: 'OK', outer: 'OK' });
  });

  test('remembers the last 1,000 of each', () => {
    for (let turn = 0; turn < 300; turn += 1) minute(...(turn % 2 === 0 ? ['a'] : []));
    for (let turn = 0; turn < 300; turn += 1) minute(...(turn % 2 === 0 ? ['a'] : []));
    expect([board.history().length, board.notifications().length]).toEqual([1_000, 1_000]);
  });
});
