import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createCloudWatchClient,
  createDynamoClient,
  createEventBridgeClient,
  createKmsClient,
  createLambdaClient,
  createSecretsClient,
  createSqsClient,
} from '../../../lib/aws/clients.ts';
import type { CountMetric } from '../../../lib/service/ports.ts';

let server: Server;
let answers: { status: number; body: object }[];
let counted: unknown[];
const count: CountMetric = (...counting) => counted.push(counting);
const throttled = (outcome: string) => ['AwsThrottled', 1, { outcome }];

beforeEach(async () => {
  answers = [];
  counted = [];
  const listener: RequestListener = (_, response) => {
    const { status, body } = answers.shift() ?? { status: 200, body: {} };
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  };
  server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function place() {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

const refusal = (type: string, status = 400, more: object = {}) => ({ status, body: { __type: type, ...more } });

describe('each try that is throttled counts, also one that a retry made up for', () => {
  test('of KMS', async () => {
    answers = [refusal('ThrottlingException')];
    await createKmsClient(place(), count).send(new DescribeKeyCommand({ KeyId: 'k' }));
    expect(answers).toEqual([]);
    expect(counted).toEqual([throttled('kms')]);
  });

  test.for<[string, () => Promise<unknown>, object]>([
    [
      'dynamodb',
      () =>
        createDynamoClient(place(), count).send(new BatchGetCommand({ RequestItems: { t: { Keys: [{ pk: 'a' }] } } })),
      refusal('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'),
    ],
    [
      'secretsmanager',
      () => createSecretsClient(place(), count).send(new GetSecretValueCommand({ SecretId: 's' })),
      refusal('ThrottlingException'),
    ],
    [
      'lambda',
      () => createLambdaClient(place(), count).send(new InvokeCommand({ FunctionName: 'f' })),
      refusal('TooManyRequestsException', 429),
    ],
    [
      'sqs',
      () =>
        createSqsClient(place(), count).send(
          new SendMessageCommand({ QueueUrl: `${place().endpoint}/q`, MessageBody: 'm' }),
        ),
      refusal('com.amazonaws.sqs#RequestThrottled', 403),
    ],
    [
      'cloudwatch',
      () => createCloudWatchClient(place(), count).send(new PutMetricDataCommand({ Namespace: 'n', MetricData: [] })),
      refusal('Throttling', 400),
    ],
    [
      'events',
      () => createEventBridgeClient(place(), count).send(new PutEventsCommand({ Entries: [{ Source: 's' }] })),
      refusal('ThrottlingException'),
    ],
  ])('of %s', async ([service, send, answer]) => {
    answers = [answer as (typeof answers)[number], refusal('AccessDeniedException')];
    await expect(send()).rejects.toBeInstanceOf(Error);
    expect(counted).toEqual([throttled(service)]);
  });

  test('by its status alone, whatever it is called', async () => {
    answers = [refusal('NeverHeardOf', 429)];
    const send = createLambdaClient(place(), count).send(new InvokeCommand({ FunctionName: 'f' }));
    await expect(send).rejects.toBeInstanceOf(Error);
    expect(counted).toEqual([throttled('lambda')]);
  });

  test('of a transaction, when that is among its reasons', async () => {
    const reasons = [{ Code: 'None' }, { Code: 'ThrottlingError' }];
    const type = 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException';
    answers = [refusal(type, 400, { CancellationReasons: reasons })];
    const transaction = new TransactWriteItemsCommand({ TransactItems: [] });
    await expect(createDynamoClient(place(), count).send(transaction)).rejects.toBeInstanceOf(Error);
    expect(counted).toEqual([throttled('dynamodb')]);
  });

  test('of a batch of which a part was left out', async () => {
    answers = [{ status: 200, body: { Responses: {}, UnprocessedKeys: { t: { Keys: [{ pk: { S: 'a' } }] } } } }];
    await createDynamoClient(place(), count).send(
      new BatchGetCommand({ RequestItems: { t: { Keys: [{ pk: 'a' }] } } }),
    );
    expect(counted).toEqual([throttled('dynamodb')]);
  });
});

test('a batch of events of which some were throttled counts once', async () => {
  const entry = { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' };
  answers = [{ status: 200, body: { FailedEntryCount: 2, Entries: [{ EventId: 'e-1' }, entry, entry] } }];
  const put = new PutEventsCommand({ Entries: [{ Source: 's' }] });
  await createEventBridgeClient(place(), count).send(put);
  expect(counted).toEqual([throttled('events')]);
});

describe('nothing counts', () => {
  test('of events that failed for another reason, or went through', async () => {
    const Entries = [{ EventId: 'e-1' }, { ErrorCode: 'InternalFailure' }];
    answers = [{ status: 200, body: { FailedEntryCount: 1, Entries } }];
    await createEventBridgeClient(place(), count).send(new PutEventsCommand({ Entries: [{ Source: 's' }] }));
    expect(counted).toEqual([]);
  });

  test.for([
    ['a conflict', { CancellationReasons: [{ Code: 'TransactionConflict' }] }],
    ['a failed condition', { CancellationReasons: [{ Code: 'ConditionalCheckFailed' }] }],
    ['a cancellation without reasons', {}],
  ] as const)('of a transaction for %s', async ([, more]) => {
    answers = [refusal('com.amazonaws.dynamodb.v20120810#TransactionCanceledException', 400, more)];
    const transaction = new TransactWriteItemsCommand({ TransactItems: [] });
    await expect(createDynamoClient(place(), count).send(transaction)).rejects.toBeInstanceOf(Error);
    expect(counted).toEqual([]);
  });

  test('of a batch answered in whole, nor of a refusal for another reason', async () => {
    answers = [{ status: 200, body: { Responses: {}, UnprocessedKeys: {} } }, refusal('AccessDeniedException')];
    await createDynamoClient(place(), count).send(
      new BatchGetCommand({ RequestItems: { t: { Keys: [{ pk: 'a' }] } } }),
    );
    const refused = createKmsClient(place(), count).send(new DescribeKeyCommand({ KeyId: 'k' }));
    await expect(refused).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(counted).toEqual([]);
  });

  test('by a client that was given nobody to tell', async () => {
    answers = [refusal('ThrottlingException')];
    await createKmsClient(place()).send(new DescribeKeyCommand({ KeyId: 'k' }));
    expect(answers).toEqual([]);
  });
});
