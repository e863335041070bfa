import type { QueueResource } from './assembly/model.ts';
import type { CloudWatch } from './aws/cloudwatch.ts';
import type { Sqs } from './aws/sqs.ts';
import type { Leap, MovableClock } from './clock.ts';

const MINUTE_MS = 60_000;

/** So many minutes are made up for when nobody looked; alarms of more would tell of the past. */
const MAX_MINUTES = 5;

interface AlarmWatchOptions {
  readonly cloudWatch: Pick<CloudWatch, 'alarms' | 'read' | 'record'>;
  readonly sqs: Pick<Sqs, 'countsOf' | 'oldestAt'>;
  readonly queues: readonly Pick<QueueResource, 'name'>[];
  readonly clock: Pick<MovableClock, 'now'> & { leaps(): readonly Leap[] };
}

/**
 * A function that is called when time has passed: once for each whole minute that is over it measures the queues and judges
 * the alarms, in order. Where the clock leapt, only the last minutes are judged. Never rejects.
 */
export function createAlarmWatch(options: AlarmWatchOptions): () => Promise<void> {
  const { cloudWatch, clock } = options;
  const startedAt = clock.now();
  let judgedTo = floor(startedAt);
  // Before the start nobody measured either.
  const isLeapt = (fromAt: number, toAt: number) =>
    fromAt < startedAt || clock.leaps().some((leap) => leap.fromAt < toAt && leap.toAt > fromAt);
  return async () => {
    const to = floor(clock.now());
    if (to <= judgedTo) return;
    const from = Math.max(judgedTo, to - MAX_MINUTES * MINUTE_MS);
    judgedTo = to;
    for (let endAt = from + MINUTE_MS; endAt <= to; endAt += MINUTE_MS) {
      // What the clock leapt over need not be looked at minute by minute.
      if (endAt < to && isLeapt(endAt - MINUTE_MS, endAt)) continue;
      cloudWatch.alarms.evaluate({ read: cloudWatch.read, endAt, isLeapt });
    }
    await measureQueues(options);
  };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html */
async function measureQueues({ cloudWatch, sqs, queues, clock }: AlarmWatchOptions): Promise<void> {
  for (const { name } of queues) {
    const counts = await sqs.countsOf(name);
    const queue = { namespace: 'AWS/SQS', dimensions: { QueueName: name } };
    const count = (state: string, value: number) =>
      cloudWatch.record({ ...queue, name: `ApproximateNumberOfMessages${state}`, unit: 'Count', value });
    count('Visible', counts.waiting);
    count('NotVisible', counts.taken);
    count('Delayed', counts.delayed);
    const oldestAt = sqs.oldestAt(name);
    if (oldestAt === undefined) continue;
    const value = Math.max(0, (clock.now() - oldestAt) / 1000);
    cloudWatch.record({ ...queue, name: 'ApproximateAgeOfOldestMessage', unit: 'Seconds', value });
  }
}

function floor(at: number): number {
  return Math.floor(at / MINUTE_MS) * MINUTE_MS;
}
