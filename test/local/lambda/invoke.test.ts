import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGuard, type PolicyStatement } from '../../../local/aws/iam.ts';
import { createLambdaService } from '../../../local/aws/lambda.ts';
import { startAwsServer } from '../../../local/aws/server.ts';
import { ECHO_ARN, echoFunction, startRuntime } from './support.ts';

const runtime = startRuntime(echoFunction());
let server: Awaited<ReturnType<typeof startAwsServer>>;

const POLICIES: Record<string, readonly PolicyStatement[] | 'administrator'> = {
  ADMIN: 'administrator',
  ALIAS: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: `${ECHO_ARN}:live` }],
};

beforeAll(async () => {
  server = await startAwsServer({
    services: [createLambdaService({ runtime, guard: createGuard() })],
    principalOf: (id) => ({ name: id, arn: `arn:aws:iam::000000000000:user/${id}`, statements: POLICIES[id] ?? [] }),
  });
});
afterAll(async () => {
  await runtime.stop();
  await server.stop();
});

async function send(input: Partial<InvokeCommandInput>, accessKeyId = 'ADMIN') {
  const client = new LambdaClient({
    endpoint: server.endpointUrl,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'x' },
    maxAttempts: 1,
  });
  try {
    const { $metadata, Payload, ...output } = await client.send(
      new InvokeCommand({ FunctionName: 'app-echo', ...input }),
    );
    const text = Payload?.transformToString() ?? '';
    return { ...output, Payload: text === '' ? undefined : (JSON.parse(text) as unknown) };
  } finally {
    client.destroy();
  }
}

const payload = (event: unknown) => JSON.stringify(event);

describe('Invoke through the SDK', () => {
  test('gives the answer of the function', async () => {
    expect(await send({ Payload: payload({ a: 'ä' }) })).toEqual({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      Payload: { echoed: { a: 'ä' } },
    });
  });

  test('an empty payload is an empty event', async () => {
    expect(await send({})).toMatchObject({ Payload: { echoed: {} } });
  });

  test.for<[InvokeCommandInput, string]>([
    [{ FunctionName: ECHO_ARN }, ECHO_ARN],
    [{ FunctionName: `${ECHO_ARN}:live` }, `${ECHO_ARN}:live`],
    [{ FunctionName: 'app-echo', Qualifier: 'live' }, `${ECHO_ARN}:live`],
    [{ FunctionName: 'app-echo:1' }, `${ECHO_ARN}:1`],
  ])('%o is invoked as %s', async ([input, invokedFunctionArn]) => {
    expect(await send({ ...input, Payload: payload({ do: 'context' }) })).toMatchObject({
      Payload: { invokedFunctionArn },
    });
  });

  test('a failed function answers 200 with FunctionError and the error', async () => {
    expect(await send({ Payload: payload({ do: 'throw' }) })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      Payload: { errorType: 'TypeError', errorMessage: 'asked to fail' },
    });
  });

  test('the log tail comes when it is asked for', async () => {
    const { LogResult } = await send({ LogType: 'Tail', Payload: payload({ do: 'print', text: 'hello' }) });
    expect(Buffer.from(LogResult ?? '', 'base64').toString()).toBe('hello\nhalf a line\n');
  });

  test('an event is accepted at once and run afterwards', async () => {
    const before = runtime.logs().length;
    expect(await send({ InvocationType: 'Event', Payload: payload({ do: 'print', text: 'later' }) })).toEqual({
      StatusCode: 202,
      Payload: undefined,
    });
    await runtime.settled();
    expect(
      runtime
        .logs()
        .slice(before)
        .map(({ line }) => line),
    ).toEqual(['later', 'half a line']);
  });

  test('a dry run runs nothing', async () => {
    const before = runtime.logs().length;
    expect(await send({ InvocationType: 'DryRun', Payload: payload({ do: 'print', text: 'never' }) })).toMatchObject({
      StatusCode: 204,
    });
    expect(runtime.logs().length).toBe(before);
  });

  test.for<[string, InvokeCommandInput, string]>([
    ['an unknown function', { FunctionName: 'nobody' }, 'ResourceNotFoundException'],
    ['an unknown alias', { FunctionName: 'app-echo:dead' }, 'ResourceNotFoundException'],
    ['a payload that is not JSON', { FunctionName: 'app-echo', Payload: '{' }, 'InvalidRequestContentException'],
    [
      'a request beyond 6 MB',
      { FunctionName: 'app-echo', Payload: payload('x'.repeat(6_291_456)) },
      'RequestTooLargeException',
    ],
    [
      'an event beyond 1 MB',
      { FunctionName: 'app-echo', InvocationType: 'Event', Payload: payload('x'.repeat(1_048_576)) },
      'RequestTooLargeException',
    ],
  ])('%s is refused', async ([, input, name]) => {
    await expect(send(input)).rejects.toMatchObject({ name });
  });

  test('a role may invoke exactly the alias its policy names', async () => {
    expect(await send({ Qualifier: 'live' }, 'ALIAS')).toMatchObject({ StatusCode: 200 });
    await expect(send({}, 'ALIAS')).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(send({ Qualifier: '1' }, 'ALIAS')).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(send({ FunctionName: 'nobody' }, 'ALIAS')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
