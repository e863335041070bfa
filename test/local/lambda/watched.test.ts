import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Measurement } from '../../../local/aws/cloudwatch.ts';
import { createClock } from '../../../local/clock.ts';
import { recordInvocation, recordThrottle } from '../../../local/lambda/metrics.ts';
import type { InvocationRecord, LambdaRuntime, LambdaRuntimeOptions } from '../../../local/lambda/runtime.ts';
import { answerOf, echoFunction, invoke, startRuntime } from './support.ts';

const runtimes: LambdaRuntime[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(runtimes.splice(0).map((runtime) => runtime.stop()));
});

function start(more: Partial<LambdaRuntimeOptions>): LambdaRuntime {
  const runtime = startRuntime(echoFunction({ maximumRetryAttempts: 2 }), createClock(), more);
  runtimes.push(runtime);
  return runtime;
}

describe('a function’s log', () => {
  test('is asked for once for each thread, as a stream of its group', async () => {
    const asked: string[][] = [];
    const mayLog = (_: unknown, action: string, arn: string) => asked.push([action, arn]) > 0;
    const runtime = start({ mayLog });
    await invoke(runtime, { do: 'print', text: 'one' });
    await invoke(runtime, { do: 'print', text: 'two' });
    const stream =
      /^arn:aws:logs:us-east-1:000000000000:log-group:\/aws\/lambda\/app-echo:log-stream:20\d\d\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/;
    expect(asked).toEqual([
      ['logs:CreateLogStream', expect.stringMatching(stream)],
      ['logs:PutLogEvents', expect.stringMatching(stream)],
    ]);
    expect(runtime.logs().map(({ line }) => line)).toEqual(['one', 'half a line', 'two', 'half a line']);
    await runtime.kill('app-echo');
    await invoke(runtime, { do: 'print', text: 'three' });
    expect(asked.length).toBe(4);
  });

  test('is lost where the role may not write it, and the terminal says so once', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const runtime = start({ mayLog: (_, action) => action === 'logs:CreateLogStream' });
    expect(await answerOf(invoke(runtime, { do: 'print', text: 'one' }))).toBeNull();
    expect(runtime.logs()).toEqual([]);
    expect(complaint.mock.calls).toEqual([['app-echo may not write its log; its lines and metrics are lost']]);
  });
});

describe('what Lambda measures', () => {
  test('of invocations: when they began, how they ended and how long they took', async () => {
    const records: InvocationRecord[] = [];
    let isPaused = false;
    const runtime = start({ onInvocation: (record) => records.push(record), isPaused: () => isPaused });
    const before = Date.now();
    await invoke(runtime, { do: 'sleep', ms: 30 });
    await invoke(runtime, { do: 'throw' });
    isPaused = true;
    expect(await invoke(runtime, { do: 'count' })).toMatchObject({
      kind: 'failed',
      failure: { errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' },
    });
    expect(records.map(({ function: name, outcome }) => [name, outcome])).toEqual([
      ['app-echo', 'ok'],
      ['app-echo', 'error'],
      ['app-echo', 'throttled'],
    ]);
    expect(records[0]?.durationMs).toBeGreaterThanOrEqual(29);
    expect(records[0]?.startedAt).toBeGreaterThanOrEqual(before);
  });

  test('a paused function is not tried again either', async () => {
    const records: InvocationRecord[] = [];
    const runtime = start({ onInvocation: (record) => records.push(record), isPaused: () => true });
    const { found } = runtime.resolve('app-echo');
    if (found !== undefined) await runtime.invokeAsync(found, '{}');
    expect(records.map(({ outcome }) => outcome)).toEqual(['throttled']);
  });

  test('is told to CloudWatch by function; a throttled invocation is none', () => {
    const told: Measurement[] = [];
    const cloudWatch = { record: (measurement: Measurement) => told.push(measurement) };
    recordInvocation(cloudWatch, { function: 'f', startedAt: 5, outcome: 'error', durationMs: 7 });
    recordInvocation(cloudWatch, { function: 'f', startedAt: 6, outcome: 'throttled', durationMs: 0 });
    recordThrottle(cloudWatch, 'g');
    const of = (name: string) => ({ namespace: 'AWS/Lambda', dimensions: { FunctionName: name } });
    expect(told).toEqual([
      { ...of('f'), name: 'Invocations', unit: 'Count', value: 1, at: 5 },
      { ...of('f'), name: 'Errors', unit: 'Count', value: 1, at: 5 },
      { ...of('f'), name: 'Throttles', unit: 'Count', value: 0, at: 5 },
      { ...of('f'), name: 'Duration', unit: 'Milliseconds', value: 7, at: 5 },
      { ...of('f'), name: 'Throttles', unit: 'Count', value: 1 },
      { ...of('g'), name: 'Throttles', unit: 'Count', value: 1 },
    ]);
  });
});
