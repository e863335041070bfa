import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDynamoStore } from '../../../lib/aws/dynamo-store.ts';
import { absent, equals, present, type Transaction } from '../../../lib/domain/write.ts';

const TABLES = { grants: 'T-grants', connections: 'T-connections', audit: 'T-audit' };
const dynamo = mockClient(DynamoDBDocumentClient);
const store = createDynamoStore({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' })),
  tables: TABLES,
});

const TRANSACTION: Transaction = {
  token: 'attempt-8.acquire',
  writes: [
    {
      table: 'grants',
      key: { pk: 'xero#user-1' },
      when: [equals(['number'], 7), absent('notBefore')],
      op: 'update',
      set: { number: 8 },
      addMembers: { orgs: ['acme'] },
    },
    { table: 'connections', key: { pk: 'ORG#acme', sk: 'xero' }, when: [present('pk')], op: 'check' },
    { table: 'connections', key: { pk: 'CLAIM#xero#t-1', sk: 'claim' }, when: [], op: 'delete' },
  ],
};

beforeEach(() => {
  dynamo.reset();
});

describe('a commit', () => {
  test('is one TransactWriteItems with the token, each leg asking for its old image', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    expect(await store.commit(TRANSACTION)).toEqual({ committed: true });
    const image = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    expect(dynamo.commandCalls(TransactWriteCommand).map(({ args }) => args[0].input)).toEqual([
      {
        ClientRequestToken: 'attempt-8.acquire',
        TransactItems: [
          {
            Update: {
              TableName: 'T-grants',
              Key: { pk: 'xero#user-1' },
              UpdateExpression: 'SET #n0 = :v0 ADD #n1 :v1',
              ConditionExpression: '(#n0 = :v2 AND attribute_not_exists(#n2))',
              ExpressionAttributeNames: { '#n0': 'number', '#n1': 'orgs', '#n2': 'notBefore' },
              ExpressionAttributeValues: { ':v0': 8, ':v1': new Set(['acme']), ':v2': 7 },
              ...image,
            },
          },
          {
            ConditionCheck: {
              TableName: 'T-connections',
              Key: { pk: 'ORG#acme', sk: 'xero' },
              ConditionExpression: 'attribute_exists(#n0)',
              ExpressionAttributeNames: { '#n0': 'pk' },
              ...image,
            },
          },
          { Delete: { TableName: 'T-connections', Key: { pk: 'CLAIM#xero#t-1', sk: 'claim' }, ...image } },
        ],
      },
    ]);
  });

  test('repeated is the identical request', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    await store.commit(TRANSACTION);
    await store.commit(structuredClone(TRANSACTION));
    const [first, second] = dynamo.commandCalls(TransactWriteCommand).map(({ args }) => args[0].input);
    expect(second).toEqual(first);
  });

  test('cancelled for failed conditions alone is a verdict with the images there are', async () => {
    cancel(
      { Code: 'ConditionalCheckFailed', Item: { pk: { S: 'xero#user-1' }, v: { N: '1' }, orgs: { SS: ['globex'] } } },
      { Code: 'ConditionalCheckFailed' },
      { Code: 'None' },
    );
    expect(await store.commit(TRANSACTION)).toEqual({
      committed: false,
      failed: [{ index: 0, image: { pk: 'xero#user-1', v: 1, orgs: new Set(['globex']) } }, { index: 1 }],
    });
  });

  const failed = { Code: 'ConditionalCheckFailed' };
  test.for([
    ['a conflict', [{ Code: 'TransactionConflict' }, { Code: 'None' }]],
    ['a conflict beside a failed condition', [failed, { Code: 'TransactionConflict' }]],
    ['throttling beside a failed condition', [failed, { Code: 'ThrottlingError' }]],
    ['exceeded throughput', [{ Code: 'ProvisionedThroughputExceeded' }, { Code: 'None' }]],
    ['an invalid leg beside a failed condition', [failed, { Code: 'ValidationError' }]],
    ['an oversized collection', [{ Code: 'ItemCollectionSizeLimitExceeded' }]],
    ['a reason of no name', [failed, {}]],
    ['no reasons', []],
    ['only legs that did not fail', [{ Code: 'None' }]],
  ] as const)('cancelled with %s is thrown as unavailable', async ([, reasons]) => {
    const error = cancel(...reasons);
    await expect(store.commit(TRANSACTION)).rejects.toMatchObject({ code: 'unavailable', cause: error });
  });

  test.for([
    'TransactionInProgressException',
    'IdempotentParameterMismatchException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'ThrottlingException',
    'InternalServerError',
    'ResourceNotFoundException',
    'ValidationException',
    'AccessDeniedException',
    'TimeoutError',
    'ECONNRESET',
  ])('that meets %s is thrown as unavailable', async (name) => {
    const error = Object.assign(new Error('said by the SDK'), { name });
    dynamo.on(TransactWriteCommand).rejects(error);
    await expect(store.commit(TRANSACTION)).rejects.toMatchObject({ code: 'unavailable', cause: { name } });
  });

  test('whose failed leg met an item of another release is told as that', async () => {
    cancel({ Code: 'ConditionalCheckFailed', Item: { pk: { S: 'xero#user-1' }, v: { N: '2' } } });
    await expect(store.commit(TRANSACTION)).rejects.toMatchObject({
      code: 'internal_error',
      cause: { message: 'grants record xero#user-1 has version 2; this release reads 1' },
    });
  });

  test('on a table the function has not been given is a missing setting, told by its variable', async () => {
    const write = { table: 'flows', key: { pk: 'f-1' }, when: [], op: 'delete' } as const;
    await expect(store.commit({ token: 't', writes: [write] })).rejects.toMatchObject({
      code: 'configuration_missing',
      cause: { variables: ['GK_TABLE_FLOWS'] },
    });
    expect(dynamo.calls()).toHaveLength(0);
  });
});

describe('a read', () => {
  test('of one item is consistent', async () => {
    dynamo.on(GetCommand).resolves({ Item: { pk: 'xero#user-1', v: 1 } });
    expect(await store.readGrant('xero#user-1')).toEqual({ pk: 'xero#user-1', v: 1 });
    expect(dynamo.commandCalls(GetCommand)[0]?.args[0].input).toEqual({
      TableName: 'T-grants',
      Key: { pk: 'xero#user-1' },
      ConsistentRead: true,
    });
  });

  test('that fails is unavailable', async () => {
    dynamo.onAnyCommand().rejects(Object.assign(new Error('x'), { name: 'ThrottlingException' }));
    const unavailable = { code: 'unavailable', cause: { name: 'ThrottlingException' } };
    await expect(store.readGrant('xero#user-1')).rejects.toMatchObject(unavailable);
    await expect(store.readServed('acme', 'xero', 'xero#user-1')).rejects.toMatchObject(unavailable);
    await expect(store.listDue('xero#03', 9, 10)).rejects.toMatchObject(unavailable);
    await expect(store.listConnections('acme')).rejects.toMatchObject(unavailable);
  });

  test.for([
    { pk: 'ORG#acme', sk: 'xero', v: 2 },
    { pk: 'ORG#acme', sk: 'xero' },
  ])('of a record of another release says so (%#)', async (item) => {
    dynamo.on(GetCommand).resolves({ Item: item });
    await expect(store.readConnection('acme', 'xero')).rejects.toMatchObject({
      code: 'internal_error',
      cause: { message: `connections record ORG#acme / xero has version ${item.v}; this release reads 1` },
    });
  });

  test('of what is served is one consistent batch', async () => {
    dynamo.on(BatchGetCommand).resolves({
      Responses: { 'T-connections': [{ pk: 'ORG#acme', v: 1 }], 'T-grants': [{ pk: 'xero#user-1', v: 1 }] },
    });
    expect(await store.readServed('acme', 'xero', 'xero#user-1')).toEqual({
      connection: { pk: 'ORG#acme', v: 1 },
      grant: { pk: 'xero#user-1', v: 1 },
    });
    expect(dynamo.commandCalls(BatchGetCommand).map(({ args }) => args[0].input)).toEqual([
      {
        RequestItems: {
          'T-connections': { Keys: [{ pk: 'ORG#acme', sk: 'xero' }], ConsistentRead: true },
          'T-grants': { Keys: [{ pk: 'xero#user-1' }], ConsistentRead: true },
        },
      },
    ]);
  });

  const LEFT = { 'T-grants': { Keys: [{ pk: 'xero#user-1' }], ConsistentRead: true } };

  test('of what is served asks again for what was left unprocessed', async () => {
    dynamo
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { 'T-connections': [{ pk: 'ORG#acme', v: 1 }] }, UnprocessedKeys: LEFT })
      .resolvesOnce({ Responses: { 'T-grants': [{ pk: 'xero#user-1', v: 1 }] }, UnprocessedKeys: {} });
    expect(await store.readServed('acme', 'xero', 'xero#user-1')).toEqual({
      connection: { pk: 'ORG#acme', v: 1 },
      grant: { pk: 'xero#user-1', v: 1 },
    });
    expect(dynamo.commandCalls(BatchGetCommand)[1]?.args[0].input).toEqual({ RequestItems: LEFT });
  });

  test('of what is served gives up after four rounds', async () => {
    dynamo.on(BatchGetCommand).resolves({ Responses: {}, UnprocessedKeys: LEFT });
    await expect(store.readServed('acme', 'xero', 'xero#user-1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(dynamo.commandCalls(BatchGetCommand)).toHaveLength(4);
  });

  test('of due grants goes through the pages until it has enough', async () => {
    const entry = (subject: string, dueAt: number) => ({ pk: `xero#${subject}`, duePartition: 'xero#03', dueAt });
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Items: [entry('a', 1), entry('b', 2)], LastEvaluatedKey: entry('b', 2) })
      .resolvesOnce({ Items: [entry('c', 3)], LastEvaluatedKey: entry('c', 3) });
    expect(await store.listDue('xero#03', 9, 3)).toEqual([
      { grant: 'xero#a', dueAt: 1 },
      { grant: 'xero#b', dueAt: 2 },
      { grant: 'xero#c', dueAt: 3 },
    ]);
    const query = {
      TableName: 'T-grants',
      IndexName: 'due',
      KeyConditionExpression: 'duePartition = :partition AND dueAt <= :at',
      ExpressionAttributeValues: { ':partition': 'xero#03', ':at': 9 },
    };
    expect(dynamo.commandCalls(QueryCommand).map(({ args }) => args[0].input)).toEqual([
      { ...query, Limit: 3 },
      { ...query, Limit: 1, ExclusiveStartKey: entry('b', 2) },
    ]);
  });

  test('of a query that never ends gives up', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [], LastEvaluatedKey: { pk: 'ORG#acme', sk: 'xero' } });
    await expect(store.listConnections('acme')).rejects.toMatchObject({ code: 'unavailable' });
    expect(dynamo.commandCalls(QueryCommand)).toHaveLength(20);
    expect(dynamo.commandCalls(QueryCommand)[0]?.args[0].input).toEqual({
      TableName: 'T-connections',
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :organization',
      ExpressionAttributeValues: { ':organization': 'ORG#acme' },
    });
  });
});

type Reasons = NonNullable<TransactionCanceledException['CancellationReasons']>;

function cancel(...reasons: Reasons): TransactionCanceledException {
  const error = new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: reasons,
  });
  dynamo.on(TransactWriteCommand).rejects(error);
  return error;
}
