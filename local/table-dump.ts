import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { createDynamoClient } from '../lib/aws/clients.ts';
import { type LocalAccess, placeOf } from './seed.ts';

/** Every item of every table, as JavaScript values, by physical table name. */
export type TableDump = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** Reads tables completely. For small databases: there is no paging for the caller. */
export async function dumpTables(tableNames: readonly string[], access: LocalAccess): Promise<TableDump> {
  const client = createDynamoClient(placeOf(access));
  try {
    const tables = tableNames.map(async (name) => [name, await scan(client, name)] as const);
    return Object.fromEntries(await Promise.all(tables));
  } finally {
    client.destroy();
  }
}

async function scan(client: ReturnType<typeof createDynamoClient>, tableName: string) {
  const items: Record<string, unknown>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const command = new ScanCommand({
      TableName: tableName,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    const page = await client.send(command);
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
}
