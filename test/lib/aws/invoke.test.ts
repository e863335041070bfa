import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLambdaClient } from '../../../lib/aws/clients.ts';
import { createFinishConnect, createHandOver, createRefreshRequester } from '../../../lib/aws/invoke.ts';
import type { FinishRequest, RefreshRequest } from '../../../lib/service/ports.ts';

const REFRESH: RefreshRequest = { grant: 'xero#user-1', trigger: 'expiring', neededUntil: 9 };
const FINISH: FinishRequest = { flowId: 'f-1', authorization: { code: 'c-1', callbackTenantId: 't-1' } };

const client = new LambdaClient({ region: 'us-east-1' });
const requestRefresh = createRefreshRequester({ client, functionName: 'refresh-grant' });
const finishConnect = createFinishConnect({ client, functionName: 'finish-connect' });
const handOver = createHandOver({ client, functionName: 'refresh-due' });

describe('of a mocked Lambda', () => {
  const lambda = mockClient(client);
  beforeEach(() => {
    lambda.reset();
  });
  afterEach(() => {
    lambda.reset();
  });

  function sent() {
    return lambda.commandCalls(InvokeCommand).map(({ args }) => {
      const [command, options] = args as unknown as [InvokeCommand, { requestTimeout: number }];
      const payload: unknown = JSON.parse(Buffer.from(command.input.Payload as Uint8Array).toString());
      return { ...command.input, Payload: payload, ...options };
    });
  }

  test('a refresh that is waited for is invoked synchronously, for 10 s', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });
    expect(await requestRefresh(REFRESH, 'wait')).toBeUndefined();
    expect(sent()).toEqual([
      { FunctionName: 'refresh-grant', InvocationType: 'RequestResponse', Payload: REFRESH, requestTimeout: 10_000 },
    ]);
  });

  test('a refresh that is only started is an event', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 202 });
    expect(await requestRefresh(REFRESH, 'start')).toBeUndefined();
    expect(sent()).toEqual([
      { FunctionName: 'refresh-grant', InvocationType: 'Event', Payload: REFRESH, requestTimeout: 3_000 },
    ]);
  });

  test('a share of the sweep is an event, too', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 202 });
    expect(await handOver({ partitions: ['xero#00', 'xero#suspect#03'] })).toBeUndefined();
    expect(sent()).toEqual([
      {
        FunctionName: 'refresh-due',
        InvocationType: 'Event',
        Payload: { partitions: ['xero#00', 'xero#suspect#03'] },
        requestTimeout: 3_000,
      },
    ]);
  });

  test('finishing is invoked synchronously, for as long as the caller says', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });
    expect(await finishConnect(FINISH, 25_000)).toBe('finished');
    expect(sent()).toEqual([
      { FunctionName: 'finish-connect', InvocationType: 'RequestResponse', Payload: FINISH, requestTimeout: 25_000 },
    ]);
  });

  /** What each kind of answer comes to: a waited refresh, a started one, a finish. A share must be known to be taken. */
  test.for([
    ['a function that failed', { FunctionError: 'Unhandled' }, 'returns', 'returns', 'pending'],
    ['a time-out', failure('TimeoutError'), 'returns', 'unavailable', 'pending'],
    ['a lost connection', failure('ECONNRESET'), 'returns', 'unavailable', 'pending'],
    ['a fault of Lambda', failure('ServiceException', 500), 'returns', 'unavailable', 'pending'],
    ['throttling', failure('TooManyRequestsException', 429), 'unavailable', 'unavailable', 'unavailable'],
    ['a missing permission', failure('AccessDeniedException', 403), 'unavailable', 'unavailable', 'unavailable'],
    ['a missing function', failure('ResourceNotFoundException', 404), 'unavailable', 'unavailable', 'unavailable'],
  ] as const)('%s', async ([, answer, waited, started, finished]) => {
    if (answer instanceof Error) lambda.on(InvokeCommand).rejects(answer);
    else lambda.on(InvokeCommand).resolves(answer);
    expect(await outcome(requestRefresh(REFRESH, 'wait'))).toBe(waited);
    expect(await outcome(requestRefresh(REFRESH, 'start'))).toBe(started);
    expect(await outcome(finishConnect(FINISH, 1_000))).toBe(finished);
    expect(await outcome(handOver({ partitions: [] }))).toBe('unavailable');
  });
});

describe('over the wire', () => {
  let requests = 0;
  let stop: () => void;

  async function listen(answer: RequestListener): Promise<LambdaClient> {
    requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    stop = () => {
      server.closeAllConnections();
      server.close();
    };
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    return createLambdaClient({ endpoint, region: 'us-east-1', credentials });
  }
  afterEach(() => stop());

  test('a function that takes too long is left to itself, and not invoked again', async () => {
    const silent = await listen(() => undefined);
    const finish = createFinishConnect({ client: silent, functionName: 'finish-connect' });
    expect(await finish(FINISH, 40)).toBe('pending');
    expect(requests).toBe(1);
  });

  test('a cut connection is not tried again', async () => {
    const cut = await listen((request) => request.socket.destroy());
    const finish = createFinishConnect({ client: cut, functionName: 'finish-connect' });
    expect(await finish(FINISH, 5_000)).toBe('pending');
    expect(requests).toBe(1);
  });

  test('throttling is not tried again', async () => {
    const busy = await listen((_, response) => {
      response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' }).end('{}');
    });
    const request = createRefreshRequester({ client: busy, functionName: 'refresh-grant' });
    expect(await outcome(request(REFRESH, 'wait'))).toBe('unavailable');
    expect(requests).toBe(1);
  });
});

function failure(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error('said by the SDK'), { name, $metadata: { httpStatusCode } });
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return (await call) ?? 'returns';
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}
