import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFunctionConcurrency } from '../../../local/aws/function-concurrency.ts';
import { createGuard } from '../../../local/aws/iam.ts';
import { createLambdaService } from '../../../local/aws/lambda.ts';
import { startAwsServer } from '../../../local/aws/server.ts';
import { ECHO_ARN, echoFunction, startRuntime } from '../lambda/support.ts';
import { refusalOf } from './fixture.ts';

const echo = echoFunction({ reservedConcurrency: 2 });
const runtime = startRuntime(echo);
const concurrency = createFunctionConcurrency([echo]);
const throttled: string[] = [];
let server: Awaited<ReturnType<typeof startAwsServer>>;
let client: LambdaClient;
let stranger: LambdaClient;

beforeAll(async () => {
  const guard = createGuard();
  const onThrottle = (name: string) => void throttled.push(name);
  server = await startAwsServer({
    services: [createLambdaService({ runtime, guard, concurrency, onThrottle })],
    principalOf: (name) => ({ name, arn: `arn:${name}`, statements: name === 'ADMIN' ? 'administrator' : [] }),
  });
  const clientOf = (accessKeyId: string) =>
    new LambdaClient({
      endpoint: server.endpointUrl,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey: 'x' },
      maxAttempts: 1,
    });
  client = clientOf('ADMIN');
  stranger = clientOf('STRANGER');
});
beforeEach(() => {
  concurrency.reserve(ECHO_ARN, 2);
  throttled.length = 0;
});
afterAll(async () => {
  client.destroy();
  stranger.destroy();
  await runtime.stop();
  await server.stop();
});

const FunctionName = 'app-echo';
const reserve = (executions: number) =>
  client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: executions }));
const reserved = async () => {
  const { $metadata: _, ...answer } = await client.send(new GetFunctionConcurrencyCommand({ FunctionName }));
  return answer;
};
const invoke = (InvocationType: 'RequestResponse' | 'Event' | 'DryRun') =>
  client.send(new InvokeCommand({ FunctionName, InvocationType, Payload: '{"do":"print","text":"it ran"}' }));

test('the template’s reservation is told, changed and given back', async () => {
  expect(await reserved()).toEqual({ ReservedConcurrentExecutions: 2 });
  expect(await reserve(5)).toMatchObject({ ReservedConcurrentExecutions: 5 });
  expect(await reserved()).toEqual({ ReservedConcurrentExecutions: 5 });
  await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  expect(await reserved()).toEqual({});
});

test('with a reservation of 0 nothing runs: who waits is told so, an event is taken and dropped', async () => {
  await reserve(0);
  const runs = runtime.logs().length;
  const refused = await invoke('RequestResponse').catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    $metadata: { httpStatusCode: 429 },
  });
  expect((await invoke('Event')).StatusCode).toBe(202);
  expect((await invoke('DryRun')).StatusCode).toBe(204);
  await runtime.settled();
  expect([runtime.logs().length, throttled]).toEqual([runs, ['app-echo', 'app-echo']]);

  await reserve(2);
  expect((await invoke('RequestResponse')).StatusCode).toBe(200);
});

test.for([-1, 901, 1.5])('%d executions cannot be reserved', async (executions) => {
  expect((await refusalOf(reserve(executions))).name).toBe('InvalidParameterValueException');
});

test('a function’s settings are told by its name', async () => {
  const { Environment, Timeout, Handler } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  expect({ Environment, Timeout, Handler }).toEqual({
    Environment: { Variables: { TABLE: 'items', AWS_REGION: 'us-east-1' } },
    Timeout: 5,
    Handler: 'index.handler',
  });
});

test('a function that does not exist, and a stranger, are refused', async () => {
  const unknown = client.send(new GetFunctionConcurrencyCommand({ FunctionName: 'none' }));
  expect((await refusalOf(unknown)).name).toBe('ResourceNotFoundException');
  const put = new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 });
  expect(await refusalOf(stranger.send(put))).toEqual({
    name: 'AccessDeniedException',
    message: `User: arn:STRANGER is not authorized to perform: lambda:PutFunctionConcurrency on resource: ${ECHO_ARN} because no identity-based policy allows the lambda:PutFunctionConcurrency action`,
  });
});
