import { randomUUID } from 'node:crypto';
import { TransactGetItemsCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import {
  COUNT,
  countOf,
  type GetContext,
  IF_ABSENT,
  IF_THERE,
  type Legs,
  newItem,
  newKey,
  reasonsOf,
  seeded,
  WITH_IMAGE,
  write,
} from './helpers.ts';

/** All legs or none, with a reason for each. */
export function cancellationTests(context: GetContext): void {
  test('writes all legs', async () => {
    const { TableName } = context();
    const [there, gone, fresh] = [await seeded(context()), await seeded(context()), newItem()];
    const legs: Legs = [
      { Put: { TableName, Item: fresh, ...IF_ABSENT } },
      { Update: { TableName, Key: { pk: there.pk }, UpdateExpression: 'ADD #c :one', ...COUNT } },
      { Delete: { TableName, Key: { pk: gone.pk } } },
    ];
    expect(await reasonsOf(write(context(), legs))).toBe('written');
    expect(await countOf(context(), fresh.pk.S)).toBe(1);
    expect(await countOf(context(), there.pk.S)).toBe(2);
    expect(await countOf(context(), gone.pk.S)).toBeUndefined();
  });

  test('names each leg’s reason in order, with images only where they were asked for and exist', async () => {
    const { TableName } = context();
    const [there, asked, kept] = [await seeded(context()), await seeded(context()), await seeded(context())];
    const legs: Legs = [
      { Put: { TableName, Item: there, ...IF_ABSENT } },
      { Put: { TableName, Item: { ...asked, count: { N: '9' } }, ...IF_ABSENT, ...WITH_IMAGE } },
      { Update: { TableName, Key: { pk: kept.pk }, UpdateExpression: 'ADD #c :one', ...COUNT } },
      { ConditionCheck: { TableName, Key: { pk: newItem().pk }, ...IF_THERE, ...WITH_IMAGE } },
      { Delete: { TableName, Key: { pk: newItem().pk }, ...IF_ABSENT } },
    ];
    expect(await reasonsOf(write(context(), legs))).toEqual([
      { Code: 'ConditionalCheckFailed' },
      { Code: 'ConditionalCheckFailed', Item: asked },
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed' },
      { Code: 'None' },
    ]);
    expect(await countOf(context(), kept.pk.S)).toBe(1);
    expect(await countOf(context(), asked.pk.S)).toBe(1);
  });

  test('reads a snapshot of several items', async () => {
    const { client, TableName } = context();
    const there = await seeded(context());
    const { Responses } = await client.send(
      new TransactGetItemsCommand({
        TransactItems: [{ Get: { TableName, Key: { pk: there.pk } } }, { Get: { TableName, Key: newKey() } }],
      }),
    );
    expect(Responses).toEqual([{ Item: there }, {}]);
  });
}

/** What a request token does. */
export function tokenTests(context: GetContext): void {
  const raise = (TableName: string, pk: { S: string }): Legs => [
    { Update: { TableName, Key: { pk }, UpdateExpression: 'ADD #c :one', ...COUNT } },
  ];

  test('a repeat with the token of a successful request changes nothing', async () => {
    const { pk } = await seeded(context());
    const token = randomUUID();
    const legs = raise(context().TableName, pk);
    expect(await reasonsOf(write(context(), legs, token))).toBe('written');
    expect(await reasonsOf(write(context(), legs, token))).toBe('written');
    expect(await countOf(context(), pk.S)).toBe(2);
  });

  test('the same request under another token is another request', async () => {
    const { pk } = await seeded(context());
    const legs = raise(context().TableName, pk);
    await write(context(), legs, randomUUID());
    await write(context(), legs, randomUUID());
    expect(await countOf(context(), pk.S)).toBe(3);
  });

  test('other contents under a used token are refused', async () => {
    const [one, two] = [await seeded(context()), await seeded(context())];
    const token = randomUUID();
    await write(context(), raise(context().TableName, one.pk), token);
    expect(await reasonsOf(write(context(), raise(context().TableName, two.pk), token))).toBe(
      'IdempotentParameterMismatchException',
    );
    expect(await countOf(context(), two.pk.S)).toBe(1);
  });
}
