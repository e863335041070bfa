import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import type { AuditRow } from '../domain/audit.ts';
import { claimKey, connectionKey } from '../domain/connection.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, GrantKey, Instant } from '../domain/grant.ts';
import { DUE_INDEX, type ProviderId, TABLE_VARIABLES, type TableName } from '../domain/names.ts';
import { type ProviderState, providerKey } from '../domain/provider-state.ts';
import type { Key, Records, Transaction, Verdict } from '../domain/write.ts';
import type { DueEntry, Store } from '../service/ports.ts';
import { toRecord } from './record.ts';
import { toTransactItem } from './transact-item.ts';
import { unavailable, verdictOf } from './transaction-verdict.ts';

/** Rounds for keys a batch read left over (throttled), with a pause that grows by this much; then `unavailable`. */
const BATCH_ROUNDS = 4;
const BATCH_PAUSE_MS = 25;
/** An index page holds some 10,000 entries, so this is far more than any caller's limit. */
const MAX_PAGES = 20;
/** Of the items beside the grants in their table. */
const PROVIDER_PREFIX = 'PROVIDER#';

/** Physical names of the tables; a function has only those it reads, and another one is `configuration_missing`. */
type TableNames = Readonly<Partial<Record<TableName, string>>>;

/** A document client and the tables it works on. */
interface Place {
  readonly client: DynamoDBDocumentClient;
  readonly tables: TableNames;
}

/**
 * The store on DynamoDB. Every commit is one TransactWriteItems, single writes too: the price is twice the write units,
 * the gain is that its token makes a repeat after a lost answer say "committed" and not "condition failed".
 */
export function createDynamoStore(place: Place): Store {
  return {
    readGrant: (key) => readGrant(place, key),
    readConnection: (organizationId, provider) =>
      read(place, 'connections', connectionKey(organizationId, provider)) as ReturnType<Store['readConnection']>,
    readClaim: (provider, tenantId) =>
      read(place, 'connections', claimKey(provider, tenantId)) as ReturnType<Store['readClaim']>,
    readServed: (organizationId, provider, grant) => readServed(place, connectionKey(organizationId, provider), grant),
    readFlow: (id) => read(place, 'flows', { pk: id }),
    readApiKey: (id) => read(place, 'apiKeys', { pk: id }),
    listConnections: (organizationId) => listConnections(place, organizationId),
    listDue: (partition, at, limit) => listDue(place, { partition, at, limit }),
    countPartition: (partition) => countPartition(place, partition),
    readProvider: (provider) => readProvider(place, provider),
    scanGrants: (page) => scanGrants(place, page),
    listAudit: (pk, since) => listAudit(place, pk, since),
    commit: (transaction) => commit(place, transaction),
  };
}

async function commit({ client, tables }: Place, transaction: Transaction): Promise<Verdict> {
  const items = transaction.writes.map((write) => toTransactItem(write, tableName(tables, write.table)));
  try {
    await client.send(new TransactWriteCommand({ ClientRequestToken: transaction.token, TransactItems: items }));
    return { committed: true };
  } catch (error) {
    return verdictOf(error, transaction);
  }
}

async function read<N extends TableName>(
  { client, tables }: Place,
  table: N,
  key: Key,
): Promise<Records[N] | undefined> {
  const command = new GetCommand({ TableName: tableName(tables, table), Key: { ...key }, ConsistentRead: true });
  const { Item } = await answered(client.send(command));
  return Item === undefined ? undefined : toRecord(table, Item);
}

async function readGrant(place: Place, key: GrantKey): Promise<Grant | undefined> {
  // The status decides which tokens are there; the decision functions keep it so, and the items are only written by them.
  return (await read(place, 'grants', { pk: key })) as Grant | undefined;
}

type Served = Awaited<ReturnType<Store['readServed']>>;

async function readServed(place: Place, connection: Key, grant?: GrantKey): Promise<Served> {
  const { tables } = place;
  const connections = tableName(tables, 'connections');
  const grants = grant === undefined ? undefined : tableName(tables, 'grants');
  const found = await batchGet(place, {
    [connections]: { Keys: [{ ...connection }], ConsistentRead: true },
    ...(grants === undefined ? {} : { [grants]: { Keys: [{ pk: grant }], ConsistentRead: true } }),
  });
  const [linked] = found.get(connections) ?? [];
  const [granted] = grants === undefined ? [] : (found.get(grants) ?? []);
  return {
    ...(linked === undefined ? {} : { connection: toRecord('connections', linked) }),
    ...(granted === undefined ? {} : { grant: toRecord('grants', granted) }),
  } as Served;
}

type Items = Record<string, unknown>[];

async function batchGet({ client }: Place, wanted: BatchGetCommandInput['RequestItems']): Promise<Map<string, Items>> {
  const found = new Map<string, Items>();
  let left = wanted;
  for (let round = 0; round < BATCH_ROUNDS; round += 1) {
    if (round > 0) await sleep(BATCH_PAUSE_MS * round);
    const { Responses = {}, UnprocessedKeys } = await answered(
      client.send(new BatchGetCommand({ RequestItems: left })),
    );
    for (const [table, items] of Object.entries(Responses)) found.set(table, [...(found.get(table) ?? []), ...items]);
    if (UnprocessedKeys === undefined || Object.keys(UnprocessedKeys).length === 0) return found;
    left = UnprocessedKeys;
  }
  throw unavailable(new Error(`DynamoDB left keys of a batch read unprocessed in ${BATCH_ROUNDS} rounds`));
}

async function listConnections(place: Place, organizationId: string) {
  const items = await queryAll(place, {
    TableName: tableName(place.tables, 'connections'),
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :organization',
    ExpressionAttributeValues: { ':organization': `ORG#${organizationId}` },
  });
  return items.map((item) => toRecord('connections', item)) as Awaited<ReturnType<Store['listConnections']>>;
}

async function listDue(
  place: Place,
  { partition, at, limit }: { readonly partition: string; readonly at: Instant; readonly limit: number },
): Promise<DueEntry[]> {
  const items = await queryAll(
    place,
    {
      TableName: tableName(place.tables, 'grants'),
      IndexName: DUE_INDEX,
      KeyConditionExpression: 'duePartition = :partition AND dueAt <= :at',
      ExpressionAttributeValues: { ':partition': partition, ':at': at },
    },
    limit,
  );
  return items.map(({ pk, dueAt }) => ({ grant: pk as GrantKey, dueAt: dueAt as Instant }));
}

async function countPartition(place: Place, partition: string): Promise<number> {
  let count = 0;
  const query: QueryCommandInput = {
    TableName: tableName(place.tables, 'grants'),
    IndexName: DUE_INDEX,
    Select: 'COUNT',
    KeyConditionExpression: 'duePartition = :partition',
    ExpressionAttributeValues: { ':partition': partition },
  };
  await eachPage(place, query, ({ Count = 0 }) => {
    count += Count;
    return {};
  });
  return count;
}

async function readProvider(place: Place, provider: ProviderId): Promise<ProviderState | undefined> {
  // The key decides which of the table's two kinds of item it is.
  return (await read(place, 'grants', { pk: providerKey(provider) })) as ProviderState | undefined;
}

type GrantPage = Awaited<ReturnType<Store['scanGrants']>>;

async function scanGrants(
  { client, tables }: Place,
  { share, of, next }: Parameters<Store['scanGrants']>[0],
): Promise<GrantPage> {
  const command = new ScanCommand({
    TableName: tableName(tables, 'grants'),
    ConsistentRead: true,
    Segment: share,
    TotalSegments: of,
    ...(next === undefined ? {} : { ExclusiveStartKey: { pk: next } }),
  });
  const { Items: found = [], LastEvaluatedKey } = await answered(client.send(command));
  const items = found.filter(({ pk }) => typeof pk === 'string' && !pk.startsWith(PROVIDER_PREFIX));
  const grants = items.map((item) => toRecord('grants', item) as Grant);
  return { grants, ...(LastEvaluatedKey === undefined ? {} : { next: String(LastEvaluatedKey.pk) }) };
}

async function listAudit(place: Place, pk: AuditRow['pk'], since: Instant): Promise<AuditRow[]> {
  const items = await queryAll(place, {
    TableName: tableName(place.tables, 'audit'),
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk AND sk >= :since',
    // A row of that very instant is greater: its key goes on after the time.
    ExpressionAttributeValues: { ':pk': pk, ':since': new Date(since).toISOString() },
  });
  return items.map((item) => toRecord('audit', item));
}

/** All items of a query in order of its sort key, at most `limit`. */
async function queryAll(place: Place, query: QueryCommandInput, limit = Number.POSITIVE_INFINITY): Promise<Items> {
  const items: Items = [];
  const bound = () => (Number.isFinite(limit) ? { Limit: limit - items.length } : {});
  await eachPage(place, { ...query, ...bound() }, ({ Items: found = [] }) => {
    items.push(...found);
    return items.length >= limit ? 'enough' : bound();
  });
  return items;
}

/** Reads a query page by page; `take` answers what is to be asked differently of the next page, or that it has enough. */
async function eachPage(
  { client }: Place,
  query: QueryCommandInput,
  take: (page: QueryCommandOutput) => 'enough' | Partial<QueryCommandInput>,
): Promise<void> {
  let asked = query;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const output = await answered(client.send(new QueryCommand(asked)));
    const next = take(output);
    if (output.LastEvaluatedKey === undefined || next === 'enough') return;
    asked = { ...asked, ...next, ExclusiveStartKey: output.LastEvaluatedKey };
  }
  throw unavailable(new Error(`a query of ${query.TableName} did not end within ${MAX_PAGES} pages`));
}

async function answered<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw unavailable(error);
  }
}

function tableName(tables: TableNames, table: TableName): string {
  const name = tables[table];
  if (name === undefined) {
    throw new GrantkeeperError('configuration_missing', { cause: { variables: [TABLE_VARIABLES[table]] } });
  }
  return name;
}
