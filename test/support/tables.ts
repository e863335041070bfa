import { CreateTableCommand, type CreateTableCommandInput, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DUE_INDEX, TABLE_KEYS, TABLES, type TableName } from '../../lib/domain/names.ts';

/** Creates the five tables, with the due index, under names that begin with `prefix`; resolves when they can be used. */
export async function createTables(client: DynamoDBDocumentClient, prefix: string): Promise<Record<TableName, string>> {
  const names = TABLES.map((table) => [table, `${prefix}-${table}`] as const);
  for (const [table, name] of names) await client.send(new CreateTableCommand(definitionOf(table, name)));
  for (const [, name] of names) await untilActive(client, name);
  return Object.fromEntries(names) as Record<TableName, string>;
}

/** The CreateTable request of one of our tables. */
function definitionOf(table: TableName, name: string): CreateTableCommandInput {
  const [pk, sk]: readonly string[] = TABLE_KEYS[table];
  const keys = [pk, sk].filter((key) => key !== undefined);
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keys.map((key, index) => ({ AttributeName: key, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    AttributeDefinitions: [
      ...keys.map((key) => ({ AttributeName: key, AttributeType: 'S' as const })),
      ...(table === 'grants' ? DUE_ATTRIBUTES : []),
    ],
    ...(table === 'grants' ? { GlobalSecondaryIndexes: [DUE] } : {}),
  };
}

const DUE_ATTRIBUTES = [
  { AttributeName: 'duePartition', AttributeType: 'S' as const },
  { AttributeName: 'dueAt', AttributeType: 'N' as const },
];

const DUE = {
  IndexName: DUE_INDEX,
  KeySchema: [
    { AttributeName: 'duePartition', KeyType: 'HASH' as const },
    { AttributeName: 'dueAt', KeyType: 'RANGE' as const },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' as const },
};

async function untilActive(client: DynamoDBDocumentClient, name: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    if (Table?.TableStatus === 'ACTIVE') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`table ${name} did not become active`);
}
