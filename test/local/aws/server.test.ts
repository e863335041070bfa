import { request } from 'node:http';
import { PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type AwsRequest, type AwsService, startAwsServer } from '../../../local/aws/server.ts';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

const seen: AwsRequest[] = [];
const echo: AwsService = {
  scope: 'echo',
  async handle(received) {
    seen.push(received);
    if (received.path === '/broken') throw new TypeError('a secret detail');
    return { status: 202, headers: { 'x-more': '1' }, body: Buffer.from('done') };
  },
};

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture([echo]);
});
afterAll(() => fixture.stop());
afterEach(() => vi.restoreAllMocks());

const SCOPE = 'Credential=ADMIN/20261120/us-east-1/echo/aws4_request';
function call(path: string, headers: Record<string, string> = {}, body = '', endpoint = fixture.server.endpointUrl) {
  const options = {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 ${SCOPE}, SignedHeaders=host, Signature=0`, ...headers },
  };
  return new Promise<{ status?: number | undefined; type: unknown; more: unknown; text: string }>((resolve, reject) => {
    const sent = request(endpoint + path, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode: status, headers: got } = response;
        resolve({ status, type: got['x-amzn-errortype'], more: got['x-more'], text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('a REST request reaches its service whole', async () => {
  const answer = await call('/functions/a%3Ab?Qualifier=live', { 'content-type': 'application/octet-stream' }, 'raw');
  expect(answer).toEqual({ status: 202, type: undefined, more: '1', text: 'done' });
  const { principal, operation, input, method, path, query, body } = seen.at(-1) ?? ({} as AwsRequest);
  expect({
    name: principal.name,
    operation,
    input,
    method,
    path,
    query: query.get('Qualifier'),
    body: body.toString(),
  }).toEqual({
    name: 'admin',
    operation: '',
    input: {},
    method: 'POST',
    path: '/functions/a%3Ab',
    query: 'live',
    body: 'raw',
  });
});

test('a query protocol request has its action and its form', async () => {
  await call('/', { 'content-type': 'application/x-www-form-urlencoded' }, 'Action=Publish&Message=a+b');
  const { operation, input } = seen.at(-1) ?? ({} as AwsRequest);
  expect({ operation, input }).toEqual({ operation: 'Publish', input: { Action: 'Publish', Message: 'a b' } });
});

test.for<[string, Record<string, string>, string, number, string]>([
  ['no credentials', { authorization: '' }, '', 403, 'MissingAuthenticationTokenException'],
  ['an unknown key', { authorization: SCOPE.replace('ADMIN', 'NOBODY') }, '', 403, 'UnrecognizedClientException'],
  ['an unknown service', { authorization: SCOPE.replace('echo', 'sqs') }, '', 400, 'UnknownOperationException'],
  ['broken JSON', { 'x-amz-target': 'Echo.Do' }, '{', 400, 'SerializationException'],
  ['JSON that is no object', { 'x-amz-target': 'Echo.Do' }, '[]', 400, 'SerializationException'],
  ['broken gzip', { 'content-encoding': 'gzip' }, 'x', 400, 'SerializationException'],
  ['17 MiB', {}, 'x'.repeat(17 * 1024 * 1024), 413, 'RequestEntityTooLargeException'],
])('refused with its code: %s', async ([, headers, body, status, type]) => {
  const before = seen.length;
  expect(await call('/', headers, body)).toMatchObject({ status, type });
  expect(seen.length).toBe(before);
});

test('a fault of the emulator is a 500 that tells the client nothing more', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const answer = await call('/broken');
  expect({ status: answer.status, type: answer.type, leaks: answer.text.includes('secret detail') }).toEqual({
    status: 500,
    type: 'InternalFailure',
    leaks: false,
  });
  expect(log).toHaveBeenCalledTimes(1);
});

test('the SDK reads the code of a refusal in every protocol', async () => {
  const { dynamodb, cloudwatch } = fixture.clientsOf('NOBODY');
  const names = [
    await refusalOf(dynamodb.send(new ListTablesCommand({}))),
    await refusalOf(cloudwatch.send(new PutMetricDataCommand({ Namespace: 'X', MetricData: [] }))),
  ].map(({ name }) => name);
  expect(names).toEqual(['UnrecognizedClientException', 'UnrecognizedClientException']);
});

test('a taken port is an error, and a stopped server frees its port even with a request unanswered', async () => {
  let arrived = () => {};
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const silent: AwsService = {
    scope: 'echo',
    handle() {
      arrived();
      return new Promise(() => undefined);
    },
  };
  const principalOf = () => ({ name: 'admin', arn: 'arn', statements: 'administrator' as const });
  const first = await startAwsServer({ services: [silent], principalOf });
  const port = Number(new URL(first.endpointUrl).port);
  await expect(startAwsServer({ services: [], principalOf, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const unanswered = expect(call('/', {}, '', first.endpointUrl)).rejects.toMatchObject({ code: 'ECONNRESET' });
  await waiting;
  await first.stop();
  await unanswered;
  const third = await startAwsServer({ services: [], principalOf, port });
  await third.stop();
});
