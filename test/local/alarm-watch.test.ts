import { expect, test } from 'vitest';
import { createAlarmWatch } from '../../local/alarm-watch.ts';
import type { Evidence } from '../../local/alarms/evaluate.ts';
import type { Measurement } from '../../local/aws/cloudwatch.ts';
import type { Leap } from '../../local/clock.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

function start() {
  const leaps: Leap[] = [];
  const judged: Evidence[] = [];
  const measured: Measurement[] = [];
  let now = NOON + 30_000;
  const watch = createAlarmWatch({
    clock: { now: () => now, leaps: () => leaps },
    queues: [{ name: 'rescue' }],
    sqs: { countsOf: async () => ({ waiting: 2, taken: 1, delayed: 0 }), oldestAt: () => now - 90_000 },
    cloudWatch: {
      alarms: { evaluate: (evidence: Evidence) => judged.push(evidence) } as never,
      read: () => [],
      record: (measurement) => measured.push(measurement),
    },
  });
  return {
    leaps,
    measured,
    judgedMinutes: () => judged.map(({ endAt }) => (endAt - NOON) / MINUTE),
    lastJudged: () => judged.at(-1),
    async after(seconds: number) {
      now += seconds * 1000;
      await watch();
    },
  };
}

test('alarms are judged once for each minute that is over', async () => {
  const watch = start();
  for (const seconds of [10, 19, 2, 20, 20, 20, 120]) await watch.after(seconds);
  expect(watch.judgedMinutes()).toEqual([1, 2, 3, 4]);
});

test('after a long while only the last minutes are', async () => {
  const watch = start();
  await watch.after(3_600);
  expect(watch.judgedMinutes()).toEqual([56, 57, 58, 59, 60]);
});

test('minutes the clock leapt over are not, but for the last', async () => {
  const watch = start();
  watch.leaps.push({ fromAt: NOON + 30_000, toAt: NOON + 58.5 * MINUTE });
  await watch.after(3_600);
  expect(watch.judgedMinutes()).toEqual([60]);
  watch.leaps.push({ fromAt: NOON + 60.5 * MINUTE, toAt: NOON + 120.5 * MINUTE });
  await watch.after(3_600);
  expect(watch.judgedMinutes()).toEqual([60, 120]);
});

test('queues are measured with every judgement', async () => {
  const watch = start();
  await watch.after(60);
  const queue = { namespace: 'AWS/SQS', dimensions: { QueueName: 'rescue' } };
  expect(watch.measured).toEqual([
    { ...queue, name: 'ApproximateNumberOfMessagesVisible', unit: 'Count', value: 2 },
    { ...queue, name: 'ApproximateNumberOfMessagesNotVisible', unit: 'Count', value: 1 },
    { ...queue, name: 'ApproximateNumberOfMessagesDelayed', unit: 'Count', value: 0 },
    { ...queue, name: 'ApproximateAgeOfOldestMessage', unit: 'Seconds', value: 90 },
  ]);
});

test('leapt over is what touches a leap, and all before the start', async () => {
  const watch = start();
  await watch.after(60);
  watch.leaps.push({ fromAt: NOON + 5 * MINUTE, toAt: NOON + 10 * MINUTE });
  const isLeapt = (from: number, to: number) => watch.lastJudged()?.isLeapt(NOON + from * MINUTE, NOON + to * MINUTE);
  expect([isLeapt(0, 1), isLeapt(1, 5), isLeapt(1, 6), isLeapt(9, 11), isLeapt(10, 11)]).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
});
