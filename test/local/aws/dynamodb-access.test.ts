import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessesOf } from '../../../local/aws/dynamodb-access.ts';
import { namesInExpression } from '../../../local/aws/expression-names.ts';
import type { PolicyStatement } from '../../../local/aws/iam.ts';
import { connectionsTable, type Fixture, grantsTable, refusalOf, startFixture, TABLE_ARN } from './fixture.ts';

let fixture: Fixture;
let roles = 0;

beforeAll(async () => {
  fixture = await startFixture();
  await fixture.dynamodb.createTables([grantsTable, connectionsTable]);
  await fixture.admin.documents.send(
    new PutCommand({ TableName: 'Grants', Item: { pk: 'a', lastUsedAt: 1, secret: 's' } }),
  );
});
afterAll(() => fixture.stop());

/** The name of the error, or 'none', when a role with this one permission sends the command. */
async function outcome(statement: Partial<PolicyStatement>, command: unknown): Promise<string> {
  roles += 1;
  const { documents } = fixture.asRole(`role-${roles}`, [
    { Effect: 'Allow', Action: 'dynamodb:*', Resource: TABLE_ARN, ...statement },
  ]);
  return (await refusalOf(documents.send(command as GetCommand))).name;
}

const TableName = 'Grants';
const Key = { pk: 'a' };
const touch = {
  TableName,
  Key,
  UpdateExpression: 'SET lastUsedAt = :now, #due = if_not_exists(#due, :now)',
  ConditionExpression: 'attribute_exists(pk) AND (lastUsedAt < :now OR NOT contains(pk, :none))',
  ExpressionAttributeNames: { '#due': 'dueAt' },
  ExpressionAttributeValues: { ':now': 5, ':none': 'zzz' },
} as const;

describe('the attribute condition', () => {
  const only = (...names: string[]) => ({
    Condition: { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': names } },
  });

  test.for<[string, string[], unknown, string]>([
    ['every name of the request is listed', ['pk', 'lastUsedAt', 'dueAt'], new UpdateCommand(touch), 'none'],
    ['a written name behind # is not', ['pk', 'lastUsedAt'], new UpdateCommand(touch), 'AccessDeniedException'],
    ['the key is not', ['lastUsedAt', 'dueAt'], new UpdateCommand(touch), 'AccessDeniedException'],
    [
      'a condition reads another',
      ['pk', 'lastUsedAt', 'dueAt'],
      new UpdateCommand({
        ...touch,
        ConditionExpression: 'attribute_exists(secret)',
        ExpressionAttributeValues: { ':now': 5 },
      }),
      'AccessDeniedException',
    ],
    [
      'an item brings another',
      ['pk'],
      new PutCommand({ TableName, Item: { pk: 'b', secret: 1 } }),
      'AccessDeniedException',
    ],
    [
      'a projection asks for another',
      ['pk'],
      new GetCommand({ TableName, Key, ProjectionExpression: 'pk, secret' }),
      'AccessDeniedException',
    ],
    [
      'a projection asks for what is listed',
      ['pk'],
      new GetCommand({ TableName, Key, ProjectionExpression: 'pk' }),
      'none',
    ],
  ])('%s', async ([, names, command, expected]) => {
    expect(await outcome(only(...names), command)).toBe(expected);
  });

  test('nothing is written by a refused request', async () => {
    await outcome(only('pk'), new UpdateCommand({ ...touch, ExpressionAttributeValues: { ':now': 99, ':none': 'z' } }));
    const { Item } = await fixture.admin.documents.send(new GetCommand({ TableName, Key }));
    expect(Item?.lastUsedAt).not.toBe(99);
  });
});

test.for<[string, object, unknown, string]>([
  [
    'Select: all attributes',
    { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
    new GetCommand({ TableName, Key }),
    'AccessDeniedException',
  ],
  [
    'Select: specific attributes',
    { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
    new GetCommand({ TableName, Key, ProjectionExpression: 'pk' }),
    'none',
  ],
  ['Select: count', { 'dynamodb:Select': 'COUNT' }, new ScanCommand({ TableName, Select: 'COUNT' }), 'none'],
  [
    'ReturnValues as listed',
    { 'dynamodb:ReturnValues': ['NONE', 'UPDATED_NEW'] },
    new UpdateCommand({ ...touch, ReturnValues: 'UPDATED_NEW' }),
    'none',
  ],
  [
    'ReturnValues that give everything',
    { 'dynamodb:ReturnValues': ['NONE', 'UPDATED_NEW'] },
    new UpdateCommand({ ...touch, ReturnValues: 'ALL_OLD' }),
    'AccessDeniedException',
  ],
])('%s', async ([, test, command, expected]) => {
  expect(await outcome({ Condition: { StringEquals: test as Record<string, unknown> } }, command)).toBe(expected);
});

test.for<[string, unknown, string]>([
  ['its own partition', new GetCommand({ TableName, Key }), 'none'],
  ['another partition', new GetCommand({ TableName, Key: { pk: 'z' } }), 'AccessDeniedException'],
  [
    'a batch with one other',
    new BatchGetCommand({ RequestItems: { Grants: { Keys: [{ pk: 'a' }, { pk: 'z' }] } } }),
    'AccessDeniedException',
  ],
  [
    'a query of its own',
    new QueryCommand({
      TableName,
      KeyConditionExpression: '#k = :k',
      ExpressionAttributeNames: { '#k': 'pk' },
      ExpressionAttributeValues: { ':k': 'a' },
    }),
    'none',
  ],
  [
    'a query of another',
    new QueryCommand({ TableName, KeyConditionExpression: 'pk = :k', ExpressionAttributeValues: { ':k': 'z' } }),
    'AccessDeniedException',
  ],
  ['an item of another', new PutCommand({ TableName, Item: { pk: 'z' } }), 'AccessDeniedException'],
])('LeadingKeys: %s', async ([, command, expected]) => {
  const Condition = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['a'] } };
  expect(await outcome({ Condition }, command)).toBe(expected);
});

test.for<[string, string[], string]>([
  ['all four legs are granted', ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'], 'none'],
  ['the put is missing', ['UpdateItem', 'DeleteItem', 'ConditionCheckItem'], 'AccessDeniedException'],
  ['the update is missing', ['PutItem', 'DeleteItem', 'ConditionCheckItem'], 'AccessDeniedException'],
  ['the delete is missing', ['PutItem', 'UpdateItem', 'ConditionCheckItem'], 'AccessDeniedException'],
  ['the check is missing', ['PutItem', 'UpdateItem', 'DeleteItem'], 'AccessDeniedException'],
  ['only the transaction is named', ['TransactWriteItems'], 'AccessDeniedException'],
])('a transaction needs the action of each leg: %s', async ([, actions, expected]) => {
  const command = new TransactWriteCommand({
    TransactItems: [
      { Put: { TableName, Item: { pk: 'tp' } } },
      { Update: { TableName, Key: { pk: 'tu' }, UpdateExpression: 'REMOVE x' } },
      { Delete: { TableName, Key: { pk: 'td' } } },
      { ConditionCheck: { TableName, Key: { pk: 'tc' }, ConditionExpression: 'attribute_not_exists(pk)' } },
    ],
  });
  expect(await outcome({ Action: actions.map((action) => `dynamodb:${action}`) }, command)).toBe(expected);
});

test('every table of a transaction or a batch must be granted', async () => {
  const Connections = { TableName: 'Connections', Key: { pk: 'o', sk: 's' } };
  expect(
    await Promise.all([
      outcome({}, new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key } }, { Get: Connections }] })),
      outcome(
        {},
        new BatchGetCommand({ RequestItems: { Grants: { Keys: [Key] }, Connections: { Keys: [Connections.Key] } } }),
      ),
      outcome({ Action: 'dynamodb:GetItem' }, new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key } }] })),
      outcome({ Action: 'dynamodb:GetItem' }, new BatchGetCommand({ RequestItems: { Grants: { Keys: [Key] } } })),
    ]),
  ).toEqual(['AccessDeniedException', 'AccessDeniedException', 'none', 'AccessDeniedException']);
});

test('a query on an index needs the index, not the table', async () => {
  const command = new QueryCommand({
    TableName,
    IndexName: 'due',
    KeyConditionExpression: 'duePartition = :p',
    ExpressionAttributeValues: { ':p': 'quickbooks#00' },
  });
  expect([
    await outcome({ Resource: `${TABLE_ARN}/index/due` }, command),
    await outcome({ Resource: TABLE_ARN }, command),
  ]).toEqual(['none', 'AccessDeniedException']);
});

test('the condition keys of an index query are those of the index', () => {
  const input = {
    TableName,
    IndexName: 'due',
    KeyConditionExpression: 'duePartition = :p AND dueAt < :t',
    ExpressionAttributeValues: { ':p': { S: 'quickbooks#00' }, ':t': { N: '5' } },
  };
  const partitionKeys = new Map([
    ['Grants', 'pk'],
    ['Grants/index/due', 'duePartition'],
  ]);
  expect(accessesOf('Query', input, { tableArnPrefix: 'arn:aws:dynamodb:r:a:table/', partitionKeys })).toEqual([
    {
      action: 'dynamodb:Query',
      resource: 'arn:aws:dynamodb:r:a:table/Grants/index/due',
      context: {
        'dynamodb:LeadingKeys': ['quickbooks#00'],
        'dynamodb:Attributes': ['duePartition', 'dueAt'],
        'dynamodb:Select': 'ALL_PROJECTED_ATTRIBUTES',
      },
    },
  ]);
});

test.for<[string, string[]]>([
  [
    'SET a = :a, #b.c = if_not_exists(#b.c, :z) + :one REMOVE d[0].e, f ADD g :g DELETE h :h',
    ['a', 'banana', 'd', 'f', 'g', 'h'],
  ],
  ['attribute_not_exists(pk) OR (a.b < :x AND NOT begins_with(#b, :y))', ['pk', 'a', 'banana']],
  ['size(a) BETWEEN :l AND :h and c IN (:x, :y)', ['a', 'c']],
  ['pk, a.b.#b, list[1][2]', ['pk', 'a', 'list']],
  ['and_more = :v AND(sets=:v)', ['and_more', 'sets']],
  ['', []],
])('the top-level names in %j', ([expression, expected]) => {
  expect(namesInExpression(expression, { '#b': 'banana' })).toEqual(expected);
});
