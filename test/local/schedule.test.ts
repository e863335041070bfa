import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FunctionResource, PermissionResource, RuleResource } from '../../local/assembly/model.ts';
import { parseRate } from '../../local/assembly/rate.ts';
import { createClock } from '../../local/clock.ts';
import { resolveFunction } from '../../local/lambda/names.ts';
import { createSchedule, type ScheduleOptions } from '../../local/schedule.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:sweep';
const RULE: RuleResource = {
  name: 'every-minute',
  arn: 'arn:aws:events:us-east-1:000000000000:rule/every-minute',
  enabled: true,
  scheduleExpression: 'rate(1 minute)',
  targets: [{ id: 'Target0', arn: ARN }],
};
const PERMISSION: PermissionResource = { functionArn: ARN, principal: 'events.amazonaws.com', sourceArn: RULE.arn };
const FUNCTIONS = [{ arn: ARN, aliases: {}, versions: [] } as unknown as FunctionResource];

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A schedule over a function that notes the minute of each run, counted from the start. */
function start(options: Partial<ScheduleOptions> & { run?(payload: string): Promise<void> } = {}) {
  const clock = createClock();
  const startedAt = clock.now();
  const minutes: number[] = [];
  const payloads: unknown[] = [];
  const schedule = createSchedule({
    rules: [RULE],
    permissions: [PERMISSION],
    clock,
    runtime: {
      resolve: (nameOrArn, qualifier) => resolveFunction(FUNCTIONS, nameOrArn, qualifier),
      async invokeAsync(_, payload) {
        minutes.push(Math.round((clock.now() - startedAt) / 6_000) / 10);
        payloads.push(JSON.parse(payload));
        await options.run?.(payload);
      },
    },
    ...options,
  });
  schedule.start();
  stops.push(() => schedule.stop());
  return { schedule, clock, startedAt, minutes, payloads };
}

describe('the schedule', () => {
  test('fires once for each minute of an advance, in order, and moves the clock exactly', async () => {
    const { schedule, clock, startedAt, minutes } = start();
    await schedule.advance(5 * 60);
    expect(minutes).toEqual([1, 2, 3, 4, 5]);
    expect(Math.round((clock.now() - startedAt) / 1_000)).toBe(300);
  });

  test('does not fire before a minute has passed', async () => {
    const { schedule, minutes } = start();
    await schedule.advance(50);
    expect(minutes).toEqual([]);
    await schedule.advance(20);
    expect(minutes).toEqual([1]);
  });

  test('fires 60 times in an hour and not more in a year', async () => {
    const hour = start();
    await hour.schedule.advance(3_600);
    expect(hour.minutes.length).toBe(60);
    const year = start();
    await year.schedule.advance(365 * 86_400);
    expect(year.minutes.length).toBe(60);
    expect(year.minutes.at(-1)).toBe(525_600);
  });

  test('waits for a run before the next step, and for one advance before another', async () => {
    const marks: string[] = [];
    const { schedule } = start({
      async run() {
        marks.push('begin');
        await new Promise((resolve) => setTimeout(resolve, 20));
        marks.push('end');
      },
      async onStep() {
        marks.push('step');
      },
    });
    await Promise.all([schedule.advance(60), schedule.advance(60)]);
    expect(marks.join(' ')).toMatch(/^begin end( step)+ begin end( step)+$/);
  });

  test('lets a firing of its own time be over before it goes on to what follows', async () => {
    const marks: string[] = [];
    const { schedule, clock } = start({
      async run() {
        marks.push('begin');
        await new Promise((resolve) => setTimeout(resolve, 20));
        marks.push('end');
      },
      async onStep() {
        marks.push('step');
      },
    });
    clock.advance(60);
    // Arms the timer anew, which is due now.
    await schedule.advance(0);
    await vi.waitFor(() => expect(marks).toEqual(['begin', 'end', 'step']), { timeout: 5_000 });
  });

  test('goes on without a run that takes too long, and does not start a second one beside it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { schedule, minutes } = start({ run: () => promise, stepPatienceMs: 20 });
    await schedule.advance(180);
    expect(minutes).toEqual([1]);
    resolve();
    await new Promise((done) => setImmediate(done));
    await schedule.advance(60);
    expect(minutes).toEqual([1, 4]);
  });

  test('sends EventBridge’s event', async () => {
    const { schedule, clock, payloads } = start();
    await schedule.advance(60);
    expect(payloads).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        account: '000000000000',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region: 'us-east-1',
        resources: [RULE.arn],
        detail: {},
      },
    ]);
    const { time } = payloads[0] as { time: string };
    expect(Math.abs(Date.parse(time) - clock.now())).toBeLessThan(2_000);
  });

  test('sends a target’s constant input instead', async () => {
    const rule = { ...RULE, targets: [{ id: 'Target0', arn: ARN, input: '{"shard":3}' }] };
    const { schedule, payloads } = start({ rules: [rule] });
    await schedule.advance(60);
    expect(payloads).toEqual([{ shard: 3 }]);
  });

  test('leaves out rules that are switched off', async () => {
    const { schedule, minutes } = start({ rules: [{ ...RULE, enabled: false }] });
    await schedule.advance(120);
    expect(minutes).toEqual([]);
  });

  test.for<[string, Partial<ScheduleOptions>, string]>([
    ['no permission', { permissions: [] }, 'no permission lets EventBridge invoke'],
    [
      'a permission for another rule',
      { permissions: [{ ...PERMISSION, sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/x' }] },
      'no permission lets EventBridge invoke',
    ],
    [
      'a target that is no function',
      { rules: [{ ...RULE, targets: [{ id: 'a', arn: 'arn:aws:sqs:us-east-1:000000000000:q' }] }] },
      'is not a function of this assembly',
    ],
  ])('refuses to start with %s', ([, options, message]) => {
    expect(() => start(options)).toThrow(message);
  });

  test('does not go back', async () => {
    await expect(start().schedule.advance(-1)).rejects.toThrow('the clock only moves forward');
  });
});

describe('a rate', () => {
  test.for<[string, number | undefined]>([
    ['rate(1 minute)', 60_000],
    ['rate(5 minutes)', 300_000],
    ['rate(2 hours)', 7_200_000],
    ['rate(1 day)', 86_400_000],
    ['rate(0 minutes)', undefined],
    ['cron(0 3 * * ? *)', undefined],
  ])('%s is %s ms', ([expression, periodMs]) => {
    expect(parseRate(expression)).toBe(periodMs);
  });
});
