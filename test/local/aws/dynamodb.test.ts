import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ListTablesCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectionsTable, type Fixture, grantsTable, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;
let send: Fixture['admin']['documents'];

beforeAll(async () => {
  fixture = await startFixture();
  await fixture.dynamodb.createTables([grantsTable, connectionsTable]);
  send = fixture.admin.documents;
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  const { Items = [] } = await send.send(new ScanCommand({ TableName: 'Grants' }));
  for (const { pk } of Items) await send.send(new DeleteCommand({ TableName: 'Grants', Key: { pk } }));
});

const get = async (pk: string) => (await send.send(new GetCommand({ TableName: 'Grants', Key: { pk } }))).Item;
const put = (Item: Record<string, unknown>) => send.send(new PutCommand({ TableName: 'Grants', Item }));

describe('tables', () => {
  test('a template table has its keys, its index and its time to live at once', async () => {
    const { Table } = await fixture.admin.dynamodb.send(new DescribeTableCommand({ TableName: 'Grants' }));
    const { TimeToLiveDescription } = await fixture.admin.dynamodb.send(
      new DescribeTimeToLiveCommand({ TableName: 'Grants' }),
    );
    expect({
      arn: Table?.TableArn,
      status: Table?.TableStatus,
      index: Table?.GlobalSecondaryIndexes?.[0]?.IndexName,
      ttl: TimeToLiveDescription,
    }).toEqual({
      arn: 'arn:aws:dynamodb:us-east-1:000000000000:table/Grants',
      status: 'ACTIVE',
      index: 'due',
      ttl: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' },
    });
  });

  test('a table created by a client is usable when the call returns, and its TTL can be switched once', async () => {
    await fixture.admin.dynamodb.send(
      new CreateTableCommand({
        TableName: 'Later',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    const enable = new UpdateTimeToLiveCommand({
      TableName: 'Later',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'gone' },
    });
    await send.send(new PutCommand({ TableName: 'Later', Item: { id: 'a' } }));
    await fixture.admin.dynamodb.send(enable);
    expect(await refusalOf(fixture.admin.dynamodb.send(enable))).toEqual({
      name: 'ValidationException',
      message: 'TimeToLive is already enabled',
    });
    const { TableNames } = await fixture.admin.dynamodb.send(new ListTablesCommand({}));
    expect(TableNames).toEqual(['Connections', 'Grants', 'Later']);
  });
});

describe('items', () => {
  test('sets, binary, maps, lists and large numbers come back as they were put', async () => {
    const item = {
      pk: 'quickbooks#1',
      orgs: new Set(['ORG#acme', 'ORG#beta']),
      numbers: new Set([1, 2]),
      blobs: new Set([new Uint8Array([1]), new Uint8Array([2])]),
      ciphertext: new Uint8Array([0, 255, 7]),
      held: { a1: { version: 3, why: 'late' } },
      list: [1, 'two', null, true],
      at: 1_795_132_800_000,
    };
    await put(item);
    expect(await get('quickbooks#1')).toEqual(item);
  });

  test('a table may be named by its ARN', async () => {
    const TableName = 'arn:aws:dynamodb:us-east-1:000000000000:table/Grants';
    await send.send(new PutCommand({ TableName, Item: { pk: 'a' } }));
    expect(await get('a')).toEqual({ pk: 'a' });
  });

  test('the sparse index holds only items that have both keys, in order', async () => {
    await put({ pk: 'late', duePartition: 'quickbooks#00', dueAt: 2000 });
    await put({ pk: 'early', duePartition: 'quickbooks#00', dueAt: 300 });
    await put({ pk: 'closed', dueAt: 1 });
    const { Items } = await send.send(
      new QueryCommand({
        TableName: 'Grants',
        IndexName: 'due',
        KeyConditionExpression: 'duePartition = :p AND dueAt <= :now',
        ExpressionAttributeValues: { ':p': 'quickbooks#00', ':now': 2000 },
      }),
    );
    expect(Items).toEqual([
      { pk: 'early', duePartition: 'quickbooks#00', dueAt: 300 },
      { pk: 'late', duePartition: 'quickbooks#00', dueAt: 2000 },
    ]);
  });

  test('a batch reads from several tables', async () => {
    await put({ pk: 'a', number: 1 });
    await send.send(new PutCommand({ TableName: 'Connections', Item: { pk: 'ORG#acme', sk: 'xero' } }));
    const { Responses } = await send.send(
      new BatchGetCommand({
        RequestItems: {
          Grants: { Keys: [{ pk: 'a' }, { pk: 'none' }], ConsistentRead: true },
          Connections: { Keys: [{ pk: 'ORG#acme', sk: 'xero' }] },
        },
      }),
    );
    expect(Responses).toEqual({ Grants: [{ pk: 'a', number: 1 }], Connections: [{ pk: 'ORG#acme', sk: 'xero' }] });
  });

  test('an item above 400 KB is refused', async () => {
    expect((await refusalOf(put({ pk: 'big', blob: 'x'.repeat(410_000) }))).name).toBe('ValidationException');
    expect(await get('big')).toBeUndefined();
  });
});

describe('a failed condition', () => {
  const failing = {
    TableName: 'Grants',
    Key: { pk: 'a' },
    ConditionExpression: '#n = :wrong',
    ExpressionAttributeNames: { '#n': 'number' },
    ExpressionAttributeValues: { ':wrong': 99 },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  } as const;

  test.for([
    ['update', new UpdateCommand({ ...failing, UpdateExpression: 'SET x = #n' })],
    ['delete', new DeleteCommand(failing)],
    ['put', new PutCommand({ ...failing, Item: { pk: 'a', number: 5 } })],
    // lib-dynamodb does not unmarshal what an exception carries.
  ] as const)('carries the item it met: %s', async ([, command]) => {
    await put({ pk: 'a', number: 7, orgs: new Set(['ORG#acme']) });
    const error = await send.send(command as UpdateCommand).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect((error as ConditionalCheckFailedException).Item).toEqual({
      pk: { S: 'a' },
      number: { N: '7' },
      orgs: { SS: ['ORG#acme'] },
    });
    expect(await get('a')).toEqual({ pk: 'a', number: 7, orgs: new Set(['ORG#acme']) });
  });

  test('carries nothing when there is no item or nobody asked', async () => {
    const absent = await send.send(new DeleteCommand(failing)).catch((caught: unknown) => caught);
    await put({ pk: 'a', number: 7 });
    const { ReturnValuesOnConditionCheckFailure: _, ...silent } = failing;
    const unasked = await send.send(new DeleteCommand(silent)).catch((caught: unknown) => caught);
    expect([absent, unasked].map((error) => (error as ConditionalCheckFailedException).Item)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('what dynalite would get wrong', () => {
  const update = (UpdateExpression: string, more: object = {}) =>
    send.send(
      new UpdateCommand({
        TableName: 'Grants',
        Key: { pk: 'a' },
        UpdateExpression,
        ExpressionAttributeNames: { '#c': 'current' },
        ...more,
      }),
    );

  test('is refused: a copied map changed in the same expression, a comparison with a map', async () => {
    const item = { pk: 'a', current: { version: 1 }, held: {} };
    await put(item);
    const values = { ExpressionAttributeValues: { ':v': 2 } };
    const condition = { ConditionExpression: 'NOT (#c = :m)', ExpressionAttributeValues: { ':m': { version: 1 } } };
    expect([
      await refusalOf(update('SET held.a = #c, #c.version = :v', values)),
      await refusalOf(update('SET held.a = if_not_exists(#c, :v), #c.version = :v', values)),
      await refusalOf(update('REMOVE #c', condition)),
    ]).toEqual([
      {
        name: 'UnsupportedOperationException',
        message: 'The embedded DynamoDB cannot copy current and change a part of it in one expression.',
      },
      {
        name: 'UnsupportedOperationException',
        message: 'The embedded DynamoDB cannot copy current and change a part of it in one expression.',
      },
      {
        name: 'UnsupportedOperationException',
        message: 'The embedded DynamoDB cannot compare maps or lists; compare their members.',
      },
    ]);
    expect(await get('a')).toEqual(item);
  });

  test('is not: a map moved aside while a new one takes its place', async () => {
    await put({ pk: 'a', current: { version: 1 }, held: {} });
    await update('SET held.a = #c, #c = :m', { ExpressionAttributeValues: { ':m': { version: 2 } } });
    expect(await get('a')).toEqual({ pk: 'a', current: { version: 2 }, held: { a: { version: 1 } } });
  });
});

describe('time to live', () => {
  test('items go when the clock has passed their second, not before, and numbers that are no recent time never', async () => {
    const nowSeconds = Math.floor(fixture.clock.now() / 1000);
    await put({ pk: 'soon', expiresAt: nowSeconds + 600 });
    await put({ pk: 'later', expiresAt: nowSeconds + 7200 });
    await put({ pk: 'text', expiresAt: '1' });
    await put({ pk: 'ancient', expiresAt: 1 });
    await put({ pk: 'milliseconds', expiresAt: nowSeconds * 1000 });
    fixture.clock.advance(590);
    expect(await fixture.dynamodb.sweepExpired()).toBe(0);
    fixture.clock.advance(20);
    expect(await fixture.dynamodb.sweepExpired()).toBe(1);
    const { Items = [] } = await send.send(new ScanCommand({ TableName: 'Grants', ProjectionExpression: 'pk' }));
    expect(Items.map(({ pk }) => pk).toSorted()).toEqual(['ancient', 'later', 'milliseconds', 'text']);
  });
});

describe('faults', () => {
  test('a throttle happens as often as planned and nothing is written', async () => {
    fixture.dynamodb.failNext({ operation: 'PutItem', code: 'ProvisionedThroughputExceededException', times: 2 });
    const names = [(await refusalOf(put({ pk: 'a' }))).name, (await refusalOf(put({ pk: 'a' }))).name];
    expect({ names, item: await get('a') }).toEqual({
      names: ['ProvisionedThroughputExceededException', 'ProvisionedThroughputExceededException'],
      item: undefined,
    });
    await put({ pk: 'a' });
    expect(await get('a')).toEqual({ pk: 'a' });
  });

  test.for([
    { when: 'before', code: 'drop', item: undefined },
    { when: 'after', code: 'drop', item: { pk: 'a' } },
    { when: 'before', code: 'hang', item: undefined },
    { when: 'after', code: 'hang', item: { pk: 'a' } },
  ] as const)('an answer lost $when the write by $code leaves $item', async ({ when, code, item }) => {
    fixture.dynamodb.failNext({ operation: 'PutItem', code, when });
    const { name } = await refusalOf(put({ pk: 'a' }));
    expect({ failed: ['TimeoutError', 'Error'].includes(name), item: await get('a') }).toEqual({ failed: true, item });
  });

  test('a fault meant for one role or one input leaves the others alone', async () => {
    fixture.dynamodb.failNext({ operation: 'PutItem', code: 'InternalServerError', principal: 'other' });
    fixture.dynamodb.failNext({ operation: '*', code: 'Oops', matches: (input) => input.TableName === 'Elsewhere' });
    await put({ pk: 'a' });
    fixture.dynamodb.clearFaults();
    expect(await get('a')).toEqual({ pk: 'a' });
  });

  test('a conflict on a single write has its own exception', async () => {
    fixture.dynamodb.failNext({ operation: 'PutItem', code: 'TransactionConflict' });
    expect(await refusalOf(put({ pk: 'a' }))).toEqual({
      name: 'TransactionConflictException',
      message: 'Transaction is ongoing for the item',
    });
  });
});
