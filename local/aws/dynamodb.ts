/**
 * DynamoDB: dynalite in memory behind a front that adds transactions, old images on failed conditions, time to live,
 * IAM and faults. Writes are exclusive and reads shared, so a transaction is never seen half done.
 *
 * Not modelled: throttling and TransactionConflict between real requests (transactions queue instead; ask for both
 * with `failNext`), eventual consistency, consumed capacity of transactions, their 4 MB limit, streams, backups.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { createEngine, type Engine, type EngineOperation, type Input, type Item } from './dynalite-engine.ts';
import { accessesOf, tableNameOf } from './dynamodb-access.ts';
import { createExpiry } from './dynamodb-expiry.ts';
import { type TableDefinition, toCreateTable } from './dynamodb-tables.ts';
import { createTransactions, keyOf, readImage, transactionCanceled } from './dynamodb-transactions.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { createReadWriteLock } from './read-write-lock.ts';
import type { AwsRequest, AwsService } from './server.ts';

export interface DynamoDb extends AwsService {
  /** Creates the tables of a template and waits until they are ACTIVE, TTL included. */
  createTables(definitions: readonly TableDefinition[]): Promise<void>;
  /** Deletes what has expired by the clock; answers how many items. The platform calls it, nothing here does. */
  sweepExpired(): Promise<number>;
  /**
   * Plans a failure. The code `TransactionConflict` becomes what DynamoDB says of one: a cancelled transaction whose
   * legs all give that reason, or TransactionConflictException for a single write.
   */
  failNext(fault: Fault): void;
  clearFaults(): void;
  close(): Promise<void>;
}

interface DynamoDbOptions {
  readonly guard: Guard;
  readonly clock: MovableClock;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
}

type Handler = (input: Input) => Promise<object>;

/** An empty database. */
export function createDynamoDb(options: DynamoDbOptions): DynamoDb {
  const { guard, clock, region = 'us-east-1', account = '000000000000' } = options;
  const engine = createEngine({ region, account });
  const catalog = createCatalog(engine);
  const lock = createReadWriteLock();
  const faults = createFaults();
  const expiry = createExpiry({ engine, clock, keyNames: catalog.keyNames });
  const transactions = createTransactions({ engine, clock, keyNames: catalog.keyNames });
  const tableArnPrefix = `arn:aws:dynamodb:${region}:${account}:table/`;

  const reads: Record<string, Handler> = {
    ...passThrough(engine, ['BatchGetItem', 'DescribeTable', 'GetItem', 'ListTables', 'Query', 'Scan']),
    TransactGetItems: transactions.read,
    DescribeTimeToLive: expiry.describe,
  };
  const writes: Record<string, Handler> = {
    CreateTable: catalog.create,
    PutItem: (input) => writeOne('PutItem', input, { engine, catalog }),
    UpdateItem: (input) => writeOne('UpdateItem', input, { engine, catalog }),
    DeleteItem: (input) => writeOne('DeleteItem', input, { engine, catalog }),
    TransactWriteItems: transactions.write,
    UpdateTimeToLive: expiry.update,
  };

  async function perform({ principal, operation, input: received }: AwsRequest): Promise<object> {
    const read = reads[operation];
    const write = writes[operation];
    if (!read && !write) throw unknownOperation('DynamoDB', operation);
    const input = withTableNames(received);
    const scope = { tableArnPrefix, partitionKeys: catalog.partitionKeys };
    for (const access of accessesOf(operation, input, scope)) guard.authorize(principal, access);
    return read ? lock.read(() => read(input)) : lock.write(() => (write as Handler)(input));
  }
  return {
    scope: 'dynamodb',
    handle: (request) => faults.around(request, async () => ({ status: 200, body: await perform(request) })),
    async createTables(definitions) {
      for (const definition of definitions) {
        await lock.write(() => catalog.create(toCreateTable(definition)));
        const ttl = definition.TimeToLiveSpecification;
        if (ttl?.Enabled && ttl.AttributeName) expiry.enable(definition.TableName, ttl.AttributeName);
      }
    },
    sweepExpired: () => lock.write(expiry.sweep),
    failNext: (fault) => faults.failNext(fault.code === 'TransactionConflict' ? conflict(fault) : fault),
    clearFaults: faults.clear,
    close: () => lock.write(engine.close),
  };
}

function passThrough(engine: Engine, operations: readonly EngineOperation[]): Record<string, Handler> {
  return Object.fromEntries(operations.map((operation) => [operation, (input: Input) => engine.run(operation, input)]));
}

/** dynalite takes names only, DynamoDB also the table's ARN. */
function withTableNames(input: Input): Input {
  return 'TableName' in input ? { ...input, TableName: tableNameOf(input) } : input;
}

/** A single write; with `ReturnValuesOnConditionCheckFailure: ALL_OLD` a failed condition carries the item it met. */
async function writeOne(
  operation: 'PutItem' | 'UpdateItem' | 'DeleteItem',
  input: Input,
  { engine, catalog }: { engine: Engine; catalog: Catalog },
): Promise<object> {
  try {
    return await engine.run(operation, input);
  } catch (error) {
    const wanted = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
    if (!wanted || !(error instanceof AwsError) || error.code !== 'ConditionalCheckFailedException') throw error;
    const tableName = tableNameOf(input);
    const key = keyOf((input.Key ?? input.Item) as Item, await catalog.keyNames(tableName));
    const image = await readImage(engine, tableName, key);
    throw new AwsError(error.code, error.message, error.status, image ? { Item: image } : {});
  }
}

type Catalog = ReturnType<typeof createCatalog>;

/** What the front remembers of tables: their key attributes. */
function createCatalog(engine: Engine) {
  const keys = new Map<string, readonly string[]>();
  const partitionKeys = new Map<string, string>();

  async function waitUntilActive(TableName: string): Promise<void> {
    for (let round = 0; round < 100; round += 1) {
      const { Table } = await engine.run('DescribeTable', { TableName });
      if ((Table as { TableStatus?: string }).TableStatus === 'ACTIVE') return;
      await sleep(5);
    }
    throw new AwsError('InternalServerError', `Table ${TableName} did not become ACTIVE.`, 500);
  }
  return {
    /** For IAM: the partition key's name per table and index. */
    partitionKeys,
    async create(input: Input): Promise<object> {
      const output = await engine.run('CreateTable', input);
      const table = output.TableDescription as KeyedTable;
      await waitUntilActive(table.TableName);
      keys.set(table.TableName, namesOf(table));
      for (const [place, schema] of schemasOf(table)) {
        const hash = schema.find(({ KeyType }) => KeyType === 'HASH');
        if (hash) partitionKeys.set(place, hash.AttributeName);
      }
      return output;
    },
    async keyNames(tableName: string): Promise<readonly string[]> {
      const names = keys.get(tableName);
      if (names) return names;
      throw new AwsError('ResourceNotFoundException', 'Requested resource not found');
    },
  };
}

type KeySchema = readonly { AttributeName: string; KeyType: string }[];
interface KeyedTable {
  readonly TableName: string;
  readonly KeySchema: KeySchema;
  readonly GlobalSecondaryIndexes?: readonly { IndexName: string; KeySchema: KeySchema }[];
  readonly LocalSecondaryIndexes?: readonly { IndexName: string; KeySchema: KeySchema }[];
}

function namesOf(table: KeyedTable): string[] {
  return table.KeySchema.map(({ AttributeName }) => AttributeName);
}

function schemasOf(table: KeyedTable): [string, KeySchema][] {
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  return [
    [table.TableName, table.KeySchema],
    ...indexes.map((index): [string, KeySchema] => [`${table.TableName}/index/${index.IndexName}`, index.KeySchema]),
  ];
}

function conflict(fault: Fault): Fault {
  const Message = 'Transaction is ongoing for the item';
  return {
    ...fault,
    error({ operation, input }) {
      const items = input.TransactItems;
      if (operation.startsWith('Transact') && Array.isArray(items)) {
        return transactionCanceled(items.map(() => ({ Code: 'TransactionConflict', Message })));
      }
      return new AwsError('TransactionConflictException', Message);
    },
  };
}
