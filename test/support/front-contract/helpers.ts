import { randomUUID } from 'node:crypto';
import {
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';

/** The client and a table of ours with the due index. */
export interface Context {
  readonly client: DynamoDBDocumentClient;
  readonly TableName: string;
}
export type GetContext = () => Context;
export type Legs = NonNullable<TransactWriteItemsCommandInput['TransactItems']>;

export const IF_ABSENT = { ConditionExpression: 'attribute_not_exists(pk)' };
export const IF_THERE = { ConditionExpression: 'attribute_exists(pk)' };
export const WITH_IMAGE = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

export function newItem(count = 1) {
  return { pk: { S: randomUUID() }, count: { N: String(count) } };
}

export function write({ client }: Context, legs: Legs, token?: string) {
  const request = { TransactItems: legs, ...(token === undefined ? {} : { ClientRequestToken: token }) };
  return client.send(new TransactWriteItemsCommand(request));
}

export async function seeded(context: Context, item = newItem()) {
  await context.client.send(new PutItemCommand({ TableName: context.TableName, Item: item }));
  return item;
}

export async function countOf({ client, TableName }: Context, pk: string): Promise<unknown> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: { pk }, ConsistentRead: true }));
  return Item?.count;
}

/** The reasons of a cancelled transaction, without their messages; or the name of another error. */
export async function reasonsOf(sent: Promise<unknown>): Promise<unknown> {
  try {
    await sent;
    return 'written';
  } catch (error) {
    if (error instanceof TransactionCanceledException) {
      return error.CancellationReasons?.map(({ Code, Item }) => (Item === undefined ? { Code } : { Code, Item }));
    }
    return error instanceof Error ? error.name : error;
  }
}

export const COUNT = { ExpressionAttributeNames: { '#c': 'count' }, ExpressionAttributeValues: { ':one': { N: '1' } } };

export function newKey() {
  return { pk: newItem().pk };
}
