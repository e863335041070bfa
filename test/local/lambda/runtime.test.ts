import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createClock } from '../../../local/clock.ts';
import type { LambdaRuntime } from '../../../local/lambda/runtime.ts';
import { answerOf, ECHO_ARN, echoFunction, invoke, startRuntime } from './support.ts';

const runtimes: LambdaRuntime[] = [];
function start(...[resource, clock]: Parameters<typeof startRuntime>): LambdaRuntime {
  const runtime = startRuntime(resource, clock);
  runtimes.push(runtime);
  return runtime;
}

const badModules = mkdtempSync(join(tmpdir(), 'bad-modules-'));
writeFileSync(join(badModules, 'index.mjs'), 'export const handler = async () => 1;');
writeFileSync(join(badModules, 'old.mjs'), 'export const handler = (event, context, callback) => callback(null, 1);');
writeFileSync(join(badModules, 'broken.mjs'), 'throw new RangeError("broken on purpose");');
writeFileSync(join(badModules, 'leaving.mjs'), 'process.exit(3);');
afterAll(() => rmSync(badModules, { recursive: true }));

afterEach(() => Promise.all(runtimes.splice(0).map((runtime) => runtime.stop())));

describe('running a function', () => {
  test('it gets its own environment and nothing of ours', async () => {
    const runtime = start(echoFunction());
    expect(await answerOf(invoke(runtime, { do: 'environment' }))).toEqual({
      TABLE: 'items',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: 'app-echo',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      LAMBDA_TASK_ROOT: echoFunction().assetDir,
      _HANDLER: 'index.handler',
      TZ: ':UTC',
      AWS_ACCESS_KEY_ID: 'LOCALKEY',
      AWS_SECRET_ACCESS_KEY: 'local-secret',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
  });

  test('the URL of a queue leads to this machine, whatever the SDK makes of it', async () => {
    const url = 'https://sqs.us-east-1.amazonaws.com/000000000000/orders';
    const runtime = start(echoFunction({ environment: { QUEUE: url, QUEUES: `${url},${url}-2` } }));
    expect(await answerOf(invoke(runtime, { do: 'environment' }))).toMatchObject({
      QUEUE: 'http://127.0.0.1:4566/000000000000/orders',
      QUEUES: 'http://127.0.0.1:4566/000000000000/orders,http://127.0.0.1:4566/000000000000/orders-2',
    });
  });

  test('its context tells name, invoked ARN, version and the remaining real time', async () => {
    const clock = createClock();
    const runtime = start(echoFunction(), clock);
    clock.advance(86_400);
    const { remainingMs, awsRequestId, ...context } = (await answerOf(
      invoke(runtime, { do: 'context' }, 'app-echo:live'),
    )) as Record<string, unknown>;
    expect(context).toEqual({
      callbackWaitsForEmptyEventLoop: true,
      functionName: 'app-echo',
      functionVersion: '1',
      invokedFunctionArn: `${ECHO_ARN}:live`,
      memoryLimitInMB: '128',
      logGroupName: '/aws/lambda/app-echo',
      logStreamName: 'local',
    });
    expect(awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(remainingMs).toBeGreaterThan(4_000);
    expect(remainingMs).toBeLessThanOrEqual(5_000);
  });

  test('its Date follows the clock, also when that is moved later', async () => {
    const clock = createClock();
    const runtime = start(echoFunction(), clock);
    const lag = async () => {
      const answer = (await answerOf(invoke(runtime, { do: 'clock' }))) as Record<string, number | string>;
      expect(answer.fixed).toBe('1970-01-01T00:00:00.000Z');
      return ['now', 'made', 'text'].map((name) => Math.abs(Math.round((Number(answer[name]) - Date.now()) / 60_000)));
    };
    expect(await lag()).toEqual([0, 0, 0]);
    clock.advance(7_200);
    expect(await lag()).toEqual([120, 120, 120]);
  });

  test('one environment serves one invocation after another with the module loaded once', async () => {
    const runtime = start(echoFunction());
    const first = await answerOf(invoke(runtime, { do: 'count' }));
    const second = await answerOf(invoke(runtime, { do: 'count' }));
    expect(first).toMatchObject({ invocations: 1 });
    expect(second).toEqual({ ...(first as object), invocations: 2 });
  });

  test('invocations at the same time run in environments of their own, as many as allowed; the others wait', async () => {
    const runtime = start(echoFunction({ reservedConcurrency: 3 }));
    await Promise.all(Array.from({ length: 7 }, () => answerOf(invoke(runtime, { do: 'sleep', ms: 100 }))));
    const counts = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const answer = (await answerOf(invoke(runtime, { do: 'count' }))) as { invocations: number };
        return answer.invocations;
      }),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(7 + 3);
  });

  test('a thrown error is told with its type and trace, and the environment lives on', async () => {
    const runtime = start(echoFunction());
    expect(await invoke(runtime, { do: 'throw' })).toMatchObject({
      kind: 'failed',
      failure: {
        errorType: 'TypeError',
        errorMessage: 'asked to fail',
        trace: expect.arrayContaining(['TypeError: asked to fail']),
      },
    });
    expect(await answerOf(invoke(runtime, { do: 'count' }))).toMatchObject({ invocations: 2 });
  });

  test('a function that runs out of time is ended and the next one starts afresh', async () => {
    const runtime = start(echoFunction({ timeoutSeconds: 0.3 }));
    const { kind, failure, requestId } = (await invoke(runtime, { do: 'sleep', ms: 5_000 })) as Record<string, unknown>;
    expect({ kind, failure }).toEqual({
      kind: 'failed',
      failure: {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${requestId} Error: Task timed out after 0.30 seconds`,
      },
    });
    expect(await answerOf(invoke(runtime, { do: 'count' }))).toMatchObject({ invocations: 1 });
  });

  test.for<[string, string, string, string]>([
    ['leaves the process', 'exit', 'Runtime.ExitError', 'Runtime exited with error: exit status 7'],
    ['crashes', 'crash', 'Error', 'nobody catches this'],
  ])('a function that %s fails and the next one starts afresh', async ([, what, errorType, errorMessage]) => {
    const runtime = start(echoFunction());
    expect(await invoke(runtime, { do: what })).toMatchObject({ kind: 'failed', failure: { errorType, errorMessage } });
    expect(await answerOf(invoke(runtime, { do: 'count' }))).toMatchObject({ invocations: 1 });
  });

  test('killing a function fails what runs, and what waits gets a new environment', async () => {
    const runtime = start(echoFunction({ reservedConcurrency: 1 }));
    await answerOf(invoke(runtime, { do: 'count' }));
    const running = invoke(runtime, { do: 'sleep', ms: 4_000 });
    const waiting = invoke(runtime, { do: 'count' });
    await runtime.kill('app-echo');
    expect(await running).toMatchObject({
      kind: 'failed',
      failure: { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: signal: killed' },
    });
    expect(await answerOf(waiting)).toMatchObject({ invocations: 1 });
  });

  test('killing an environment that still starts costs the waiting invocation nothing but time', async () => {
    const runtime = start(echoFunction());
    const waiting = invoke(runtime, { do: 'count' });
    await runtime.kill('app-echo');
    expect(await answerOf(waiting)).toMatchObject({ invocations: 1 });
  });

  test.for<[string, string, string]>([
    ['the module does not exist', 'nowhere.handler', 'Runtime.ImportModuleError'],
    ['the export does not exist', 'index.nothing', 'Runtime.HandlerNotFound'],
    ['the handler takes a callback', 'old.handler', 'Runtime.CallbackHandlerDeprecated'],
    ['the module throws', 'broken.handler', 'RangeError'],
    ['the module leaves the process', 'leaving.handler', 'Runtime.ExitError'],
  ])('every invocation fails when %s', async ([, handler, errorType]) => {
    const runtime = start(echoFunction({ handler, assetDir: badModules }));
    const both = await Promise.all([invoke(runtime, {}), invoke(runtime, {})]);
    expect(both).toMatchObject([
      { kind: 'failed', failure: { errorType } },
      { kind: 'failed', failure: { errorType } },
    ]);
  });

  test('an answer beyond 6 MB is a failure', async () => {
    const runtime = start(echoFunction());
    expect(await invoke(runtime, { do: 'large', bytes: 6_291_557 })).toMatchObject({
      failure: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('lines of stdout and stderr are kept whole, with Lambda’s own about failures', async () => {
    const runtime = start(echoFunction());
    await invoke(runtime, { do: 'print', text: 'hello' });
    const { requestId } = await invoke(runtime, { do: 'throw' });
    expect(runtime.logs()).toEqual([
      { function: 'app-echo', line: 'hello' },
      { function: 'app-echo', line: 'half a line' },
      { function: 'app-echo', line: `${requestId} TypeError: asked to fail` },
    ]);
  });

  test('an asynchronous invocation is tried again as often as the template says', async () => {
    const runtime = start(echoFunction({ maximumRetryAttempts: 1 }));
    const { found } = runtime.resolve('app-echo');
    if (found === undefined) throw new Error('no function');
    await runtime.invokeAsync(found, '{"do":"throw"}');
    expect(runtime.logs().map(({ line }) => line.replace(/^\S+ /, ''))).toEqual([
      'TypeError: asked to fail',
      'TypeError: asked to fail',
    ]);
  });
});

describe('finding a function', () => {
  test.for<[string, string | undefined, string | undefined, string]>([
    ['app-echo', undefined, '$LATEST', ECHO_ARN],
    ['app-echo', '$LATEST', '$LATEST', `${ECHO_ARN}:$LATEST`],
    ['app-echo:live', undefined, '1', `${ECHO_ARN}:live`],
    ['app-echo', 'live', '1', `${ECHO_ARN}:live`],
    ['app-echo:1', undefined, '1', `${ECHO_ARN}:1`],
    ['000000000000:function:app-echo', undefined, '$LATEST', ECHO_ARN],
    [`${ECHO_ARN}:live`, undefined, '1', `${ECHO_ARN}:live`],
    ['app-echo:dead', undefined, undefined, `${ECHO_ARN}:dead`],
    ['app-echo', '2', undefined, `${ECHO_ARN}:2`],
    ['other', undefined, undefined, 'arn:aws:lambda:us-east-1:000000000000:function:other'],
  ])('%s with qualifier %s is version %s', ([name, qualifier, version, arn]) => {
    const resolved = start(echoFunction()).resolve(name, qualifier);
    expect({ version: resolved.found?.version, arn: resolved.arn }).toEqual({ version, arn });
  });
});
