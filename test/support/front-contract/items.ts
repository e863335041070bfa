import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { COUNT, type GetContext, IF_ABSENT, IF_THERE, newItem, newKey, seeded, WITH_IMAGE, write } from './helpers.ts';

/** Old images of single writes whose condition fails. */
export function singleTests(context: GetContext): void {
  const rows = ['put', 'update', 'delete'] as const;
  test.for(rows)('a %s whose condition fails answers the image when asked to', async (operation) => {
    const { client, TableName } = context();
    const item = await seeded(context());
    const failing = { TableName, ...WITH_IMAGE };
    const send = {
      put: () => client.send(new PutItemCommand({ ...failing, ...IF_ABSENT, Item: item })),
      update: () =>
        client.send(
          new UpdateItemCommand({
            ...failing,
            ...IF_ABSENT,
            Key: { pk: item.pk },
            UpdateExpression: 'ADD #c :one',
            ...COUNT,
          }),
        ),
      delete: () => client.send(new DeleteItemCommand({ ...failing, ...IF_ABSENT, Key: { pk: item.pk } })),
    }[operation];
    const error: unknown = await send().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect((error as ConditionalCheckFailedException).Item).toEqual(item);
  });

  test('no image when it was not asked for, none when there is no item', async () => {
    const { client, TableName } = context();
    const { pk } = await seeded(context());
    const unasked: unknown = await client
      .send(new DeleteItemCommand({ TableName, Key: { pk }, ...IF_ABSENT }))
      .catch((thrown: unknown) => thrown);
    expect((unasked as ConditionalCheckFailedException).Item).toBeUndefined();
    const missing: unknown = await client
      .send(new DeleteItemCommand({ TableName, Key: newKey(), ...IF_THERE, ...WITH_IMAGE }))
      .catch((thrown: unknown) => thrown);
    expect(missing).toBeInstanceOf(ConditionalCheckFailedException);
    expect((missing as ConditionalCheckFailedException).Item).toBeUndefined();
  });
}

/** Sets, and the index. */
export function itemTests(context: GetContext): void {
  test('a set that loses its last member is gone', async () => {
    const { client, TableName } = context();
    const item = await seeded(context(), { ...newItem(), orgs: { SS: ['a'] } } as ReturnType<typeof newItem>);
    await write(context(), [
      {
        Update: {
          TableName,
          Key: { pk: item.pk },
          UpdateExpression: 'DELETE orgs :gone',
          ExpressionAttributeValues: { ':gone': { SS: ['a'] } },
        },
      },
    ]);
    const { Item } = await client.send(new GetCommand({ TableName, Key: { pk: item.pk.S }, ConsistentRead: true }));
    expect(Item).toEqual({ pk: item.pk.S, count: 1 });
  });

  test('the index follows a transaction, sorted, and forgets an item that loses a key of it', async () => {
    const { client, TableName } = context();
    const partition = randomUUID();
    const due = (at: string) => ({ ...newItem(), duePartition: { S: partition }, dueAt: { N: at } });
    const [late, early] = [due('20'), due('10')];
    const list = async () => {
      const { Items } = await client.send(
        new QueryCommand({
          TableName,
          IndexName: 'due',
          KeyConditionExpression: 'duePartition = :p AND dueAt <= :at',
          ExpressionAttributeValues: { ':p': { S: partition }, ':at': { N: '20' } },
        }),
      );
      return Items;
    };
    await write(context(), [{ Put: { TableName, Item: late } }, { Put: { TableName, Item: early } }]);
    const keys = ({ pk, duePartition, dueAt }: typeof late) => ({ pk, duePartition, dueAt });
    expect(await list()).toEqual([keys(early), keys(late)]);
    await write(context(), [{ Update: { TableName, Key: { pk: early.pk }, UpdateExpression: 'REMOVE dueAt' } }]);
    expect(await list()).toEqual([keys(late)]);
  });
}
