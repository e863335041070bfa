import { type TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import {
  GetCommand,
  PutCommand,
  TransactGetCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, grantsTable, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;
let documents: Fixture['admin']['documents'];

beforeAll(async () => {
  fixture = await startFixture();
  await fixture.dynamodb.createTables([grantsTable]);
  documents = fixture.admin.documents;
});
afterAll(() => fixture.stop());

type Legs = NonNullable<TransactWriteCommandInput['TransactItems']>;
const TableName = 'Grants';
const put = (Item: Record<string, unknown>) => documents.send(new PutCommand({ TableName, Item }));
const get = async (pk: string) =>
  (await documents.send(new GetCommand({ TableName, Key: { pk }, ConsistentRead: true }))).Item;
const write = (TransactItems: Legs, ClientRequestToken?: string) =>
  documents.send(new TransactWriteCommand({ TransactItems, ClientRequestToken }));

async function reasonsOf(work: Promise<unknown>) {
  const error = await work.catch((caught: unknown) => caught);
  return { name: (error as Error).name, reasons: (error as TransactionCanceledException).CancellationReasons };
}

test('put, update, delete and check happen together', async () => {
  await put({ pk: 'updated', number: 1 });
  await put({ pk: 'deleted' });
  await put({ pk: 'checked', status: 'active' });
  await write([
    { Put: { TableName, Item: { pk: 'new', orgs: new Set(['ORG#a']) } } },
    {
      Update: {
        TableName,
        Key: { pk: 'updated' },
        UpdateExpression: 'SET #n = #n + :one',
        ExpressionAttributeNames: { '#n': 'number' },
        ExpressionAttributeValues: { ':one': 1 },
      },
    },
    { Delete: { TableName, Key: { pk: 'deleted' } } },
    {
      ConditionCheck: {
        TableName,
        Key: { pk: 'checked' },
        ConditionExpression: '#s = :active',
        ExpressionAttributeNames: { '#s': 'status' },
        ExpressionAttributeValues: { ':active': 'active' },
      },
    },
  ]);
  expect([await get('new'), await get('updated'), await get('deleted'), await get('checked')]).toEqual([
    { pk: 'new', orgs: new Set(['ORG#a']) },
    { pk: 'updated', number: 2 },
    undefined,
    { pk: 'checked', status: 'active' },
  ]);
});

test('one failed leg undoes the others and each leg has its reason, with the image where it was asked for', async () => {
  await put({ pk: 'kept', number: 1, orgs: new Set(['ORG#a']) });
  await put({ pk: 'stays' });
  await put({ pk: 'unasked' });
  await put({ pk: 'guard', generation: 'g1', blob: new Uint8Array([1, 2]) });
  const guard = {
    TableName,
    Key: { pk: 'guard' },
    ConditionExpression: 'generation = :g',
    ExpressionAttributeValues: { ':g': 'g2' },
  };
  const outcome = await reasonsOf(
    write([
      {
        Update: {
          TableName,
          Key: { pk: 'kept' },
          UpdateExpression: 'SET x = :x REMOVE orgs',
          ExpressionAttributeValues: { ':x': 1 },
        },
      },
      { Delete: { TableName, Key: { pk: 'stays' } } },
      { Put: { TableName, Item: { pk: 'never' } } },
      { ConditionCheck: { ...guard, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
      { Put: { TableName, Item: { pk: 'unasked' }, ConditionExpression: 'attribute_not_exists(pk)' } },
    ]),
  );
  expect(outcome).toEqual({
    name: 'TransactionCanceledException',
    reasons: [
      { Code: 'None' },
      { Code: 'None' },
      { Code: 'None' },
      {
        Code: 'ConditionalCheckFailed',
        Message: 'The conditional request failed',
        Item: { pk: { S: 'guard' }, generation: { S: 'g1' }, blob: { B: new Uint8Array([1, 2]) } },
      },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
    ],
  });
  expect([await get('kept'), await get('stays'), await get('never')]).toEqual([
    { pk: 'kept', number: 1, orgs: new Set(['ORG#a']) },
    { pk: 'stays' },
    undefined,
  ]);
});

test('a leg that fails on the data it meets cancels with ValidationError', async () => {
  await put({ pk: 'typed', number: 'text' });
  const { reasons } = await reasonsOf(
    write([
      { Put: { TableName, Item: { pk: 'undone' } } },
      {
        Update: {
          TableName,
          Key: { pk: 'typed' },
          UpdateExpression: 'ADD #n :one',
          ExpressionAttributeNames: { '#n': 'number' },
          ExpressionAttributeValues: { ':one': 1 },
        },
      },
    ]),
  );
  expect(reasons).toEqual([
    { Code: 'None' },
    { Code: 'ValidationError', Message: 'An operand in the update expression has an incorrect data type' },
  ]);
  expect(await get('undone')).toBeUndefined();
});

test('of 50 concurrent transactions on one version exactly one wins, and no other leaves a trace', async () => {
  await put({ pk: 'race', version: 1 });
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      write([
        { Put: { TableName, Item: { pk: `audit-${index}` } } },
        {
          Update: {
            TableName,
            Key: { pk: 'race' },
            UpdateExpression: 'SET version = :next, winner = :me',
            ConditionExpression: 'version = :read',
            ExpressionAttributeValues: { ':next': 2, ':read': 1, ':me': index },
          },
        },
      ]),
    ),
  );
  const winners = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  expect(winners).toHaveLength(1);
  expect(await get('race')).toEqual({ pk: 'race', version: 2, winner: winners[0] });
  const audits = await Promise.all(Array.from({ length: 50 }, (_, index) => get(`audit-${index}`)));
  expect(audits.flatMap((item, index) => (item ? [index] : []))).toEqual(winners);
});

test('readers never see half of a transaction, nor what a cancelled one undid', async () => {
  await put({ pk: 'left', n: 0 });
  await put({ pk: 'right', n: 0 });
  const both = (n: number, condition: string) =>
    ['left', 'right'].map((pk, index) => ({
      Update: {
        TableName,
        Key: { pk },
        UpdateExpression: 'SET n = :n',
        // Only the second leg can fail, so the first has to be undone.
        ConditionExpression: index === 1 ? condition : 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':n': n },
      },
    }));
  const writers = Array.from({ length: 40 }, (_, index) =>
    write(both(index, index % 2 ? 'attribute_not_exists(pk)' : 'attribute_exists(pk)')).catch(() => undefined),
  );
  const readers = Array.from({ length: 60 }, () =>
    documents.send(
      new TransactGetCommand({
        TransactItems: [
          { Get: { TableName, Key: { pk: 'left' } } },
          { Get: { TableName, Key: { pk: 'right' } } },
          { Get: { TableName, Key: { pk: 'nothing' } } },
        ],
      }),
    ),
  );
  await Promise.all(writers);
  const seen = (await Promise.all(readers)).map(({ Responses = [] }) => Responses.map(({ Item }) => Item?.n));
  expect(seen.filter(([left, right, nothing]) => left !== right || nothing !== undefined || left % 2 === 1)).toEqual(
    [],
  );
});

test('single updates and transactions on one counter lose nothing', async () => {
  await put({ pk: 'counter', n: 0 });
  const Update = {
    TableName,
    Key: { pk: 'counter' },
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': 1 },
  };
  await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      index % 2 ? write([{ Update }]) : documents.send(new UpdateCommand(Update)),
    ),
  );
  expect(await get('counter')).toEqual({ pk: 'counter', n: 40 });
});

test('a token makes a repeat harmless for ten minutes of the clock, with other parameters a mismatch', async () => {
  await put({ pk: 'once', n: 0 });
  const add = (by: number): Legs => [
    {
      Update: {
        TableName,
        Key: { pk: 'once' },
        UpdateExpression: 'ADD n :by',
        ExpressionAttributeValues: { ':by': by },
      },
    },
  ];
  await write(add(1), 'token-1');
  await write(add(1), 'token-1');
  expect(await get('once')).toEqual({ pk: 'once', n: 1 });
  expect((await refusalOf(write(add(2), 'token-1'))).name).toBe('IdempotentParameterMismatchException');
  fixture.clock.advance(599);
  await write(add(1), 'token-1');
  expect(await get('once')).toEqual({ pk: 'once', n: 1 });
  fixture.clock.advance(2);
  await write(add(1), 'token-1');
  expect(await get('once')).toEqual({ pk: 'once', n: 2 });
});

test('a cancelled transaction may be repeated under its token', async () => {
  const legs: Legs = [{ Put: { TableName, Item: { pk: 'second-try' }, ConditionExpression: 'attribute_exists(pk)' } }];
  expect((await refusalOf(write(legs, 'token-2'))).name).toBe('TransactionCanceledException');
  await put({ pk: 'second-try', old: true });
  await write(legs, 'token-2');
  expect(await get('second-try')).toEqual({ pk: 'second-try' });
});

test('the answer lost after the commit is made good by a repeat with the same token', async () => {
  await put({ pk: 'lost', n: 0 });
  const command = new TransactWriteCommand({
    ClientRequestToken: 'token-3',
    TransactItems: [
      {
        Update: {
          TableName,
          Key: { pk: 'lost' },
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': 1 },
        },
      },
    ],
  });
  fixture.dynamodb.failNext({ operation: 'TransactWriteItems', code: 'drop', when: 'after' });
  await expect(documents.send(command)).rejects.toThrow();
  await documents.send(command);
  expect(await get('lost')).toEqual({ pk: 'lost', n: 1 });
});

test('a planned conflict cancels with TransactionConflict for every leg', async () => {
  fixture.dynamodb.failNext({ operation: 'TransactWriteItems', code: 'TransactionConflict' });
  const { name, reasons } = await reasonsOf(
    write([{ Put: { TableName, Item: { pk: 'c1' } } }, { Put: { TableName, Item: { pk: 'c2' } } }]),
  );
  expect({ name, codes: reasons?.map(({ Code }) => Code) }).toEqual({
    name: 'TransactionCanceledException',
    codes: ['TransactionConflict', 'TransactionConflict'],
  });
});

test.for<[string, TransactWriteCommandInput['TransactItems'], string]>([
  ['no legs', [], 'ValidationException'],
  [
    'more than 100 legs',
    Array.from({ length: 101 }, (_, index) => ({ Delete: { TableName, Key: { pk: `many-${index}` } } })),
    'ValidationException',
  ],
  [
    'one item twice',
    [{ Put: { TableName, Item: { pk: 'twice' } } }, { Delete: { TableName, Key: { pk: 'twice' } } }],
    'ValidationException',
  ],
  [
    'two kinds in one leg',
    [{ Put: { TableName, Item: { pk: 'k' } }, Delete: { TableName, Key: { pk: 'l' } } }],
    'ValidationException',
  ],
  ['an update that says nothing', [{ Update: { TableName, Key: { pk: 'k' } } as never }], 'ValidationException'],
  ['a missing key', [{ Put: { TableName, Item: { other: 1 } } }], 'ValidationException'],
  [
    'a table that does not exist',
    [{ Delete: { TableName: 'Nowhere', Key: { pk: 'k' } } }],
    'ResourceNotFoundException',
  ],
  [
    'an expression that does not parse, after a leg that does',
    [
      { Put: { TableName, Item: { pk: 'before-bad' } } },
      { Delete: { TableName, Key: { pk: 'k' }, ConditionExpression: 'AND AND' } },
    ],
    'ValidationException',
  ],
])('refused before anything happens: %s', async ([, legs, code]) => {
  expect((await refusalOf(write(legs ?? []))).name).toBe(code);
  expect(await get('before-bad')).toBeUndefined();
});

test('100 legs are allowed, by the plain client too', async () => {
  await fixture.admin.dynamodb.send(
    new TransactWriteItemsCommand({
      TransactItems: Array.from({ length: 100 }, (_, index) => ({
        Put: { TableName, Item: { pk: { S: `hundred-${index}` } } },
      })),
    }),
  );
  expect(await get('hundred-99')).toEqual({ pk: 'hundred-99' });
});
