import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDynamoStore } from '../../../lib/aws/dynamo-store.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const store = createDynamoStore({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' })),
  tables: { grants: 'T-grants', audit: 'T-audit' },
});
const queries = () => dynamo.commandCalls(QueryCommand).map(({ args }) => args[0].input);

beforeEach(() => {
  dynamo.reset();
});

describe('the count of a partition', () => {
  const QUERY = {
    TableName: 'T-grants',
    IndexName: 'due',
    Select: 'COUNT',
    KeyConditionExpression: 'duePartition = :partition',
    ExpressionAttributeValues: { ':partition': 'xero#suspect#01' },
  };
  const KEY = { pk: 'xero#a', duePartition: 'xero#suspect#01', dueAt: 1 };

  test('is that of all pages', async () => {
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Count: 9_000, LastEvaluatedKey: KEY })
      .resolvesOnce({ Count: 0, LastEvaluatedKey: KEY })
      .resolvesOnce({ Count: 412 });
    expect(await store.countPartition('xero#suspect#01')).toBe(9_412);
    expect(queries()).toEqual([QUERY, { ...QUERY, ExclusiveStartKey: KEY }, { ...QUERY, ExclusiveStartKey: KEY }]);
  });

  test('is no number when a page is missing', async () => {
    dynamo.on(QueryCommand).resolvesOnce({ Count: 9_000, LastEvaluatedKey: KEY }).rejects(new Error('said by the SDK'));
    await expect(store.countPartition('xero#suspect#01')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('the state of a provider is read consistently, by its key in the table of grants', async () => {
  dynamo.on(GetCommand).resolves({ Item: { pk: 'PROVIDER#xero', v: 1, provider: 'xero' } });
  expect(await store.readProvider('xero')).toEqual({ pk: 'PROVIDER#xero', v: 1, provider: 'xero' });
  expect(dynamo.commandCalls(GetCommand)[0]?.args[0].input).toEqual({
    TableName: 'T-grants',
    Key: { pk: 'PROVIDER#xero' },
    ConsistentRead: true,
  });
});

describe('a scan', () => {
  const SCAN = { TableName: 'T-grants', ConsistentRead: true, Segment: 3, TotalSegments: 16 };
  const scans = () => dynamo.commandCalls(ScanCommand).map(({ args }) => args[0].input);

  test('is consistent, of one share, and says where it goes on, also after a page with no grant', async () => {
    dynamo
      .on(ScanCommand)
      .resolvesOnce({ Items: [{ pk: 'PROVIDER#xero', v: 1 }], LastEvaluatedKey: { pk: 'PROVIDER#xero' } })
      .resolvesOnce({ Items: [{ pk: 'xero#a', v: 1 }] });
    expect(await store.scanGrants({ share: 3, of: 16 })).toEqual({ grants: [], next: 'PROVIDER#xero' });
    expect(await store.scanGrants({ share: 3, of: 16, next: 'PROVIDER#xero' })).toEqual({
      grants: [{ pk: 'xero#a', v: 1 }],
    });
    expect(scans()).toEqual([SCAN, { ...SCAN, ExclusiveStartKey: { pk: 'PROVIDER#xero' } }]);
  });

  test('tells a grant of another release', async () => {
    dynamo.on(ScanCommand).resolves({ Items: [{ pk: 'xero#a', v: 2 }] });
    await expect(store.scanGrants({ share: 3, of: 16 })).rejects.toMatchObject({ code: 'internal_error' });
  });

  test('that fails is unavailable', async () => {
    dynamo.on(ScanCommand).rejects(new Error('said by the SDK'));
    await expect(store.scanGrants({ share: 3, of: 16 })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('audit rows are asked for by the beginning of their sort key', async () => {
  dynamo.on(QueryCommand).resolves({ Items: [{ pk: 'GRANT#xero#a', sk: 's', v: 1 }] });
  expect(await store.listAudit('GRANT#xero#a', 1_795_176_000_000)).toEqual([{ pk: 'GRANT#xero#a', sk: 's', v: 1 }]);
  expect(queries()).toEqual([
    {
      TableName: 'T-audit',
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk >= :since',
      ExpressionAttributeValues: { ':pk': 'GRANT#xero#a', ':since': '2026-11-20T12:00:00.000Z' },
    },
  ]);
});
