/**
 * Time to live. DynamoDB deletes expired items some time after they expired (typically within days) and serves them
 * until then; here they go when the platform sweeps.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
 */
import type { MovableClock } from '../clock.ts';
import { AwsError } from './aws-error.ts';
import type { Engine, Input, Item } from './dynalite-engine.ts';
import { tableNameOf } from './dynamodb-access.ts';
import { keyOf } from './dynamodb-transactions.ts';

/** Older timestamps are taken for mistakes and left alone, as on AWS. */
const MAX_AGE_SECONDS = 5 * 365 * 24 * 3600;

interface Dependencies {
  readonly engine: Engine;
  readonly clock: MovableClock;
  keyNames(tableName: string): Promise<readonly string[]>;
}

export interface Expiry {
  enable(tableName: string, attributeName: string): void;
  /** UpdateTimeToLive. */
  update(input: Input): Promise<object>;
  /** DescribeTimeToLive. */
  describe(input: Input): Promise<object>;
  /** Deletes what has expired by the clock and answers how many items. Must run under the exclusive lock. */
  sweep(): Promise<number>;
}

/** TTL of all tables of an engine; none has it yet. */
export function createExpiry({ engine, clock, keyNames }: Dependencies): Expiry {
  const attributes = new Map<string, string>();

  async function sweepTable(tableName: string, attribute: string): Promise<number> {
    const names = await keyNames(tableName);
    const nowSeconds = clock.now() / 1000;
    let deleted = 0;
    for await (const item of scan(engine, tableName)) {
      const value = Number(item[attribute]?.N ?? Number.NaN);
      if (!(value < nowSeconds && value >= nowSeconds - MAX_AGE_SECONDS)) continue;
      await engine.run('DeleteItem', { TableName: tableName, Key: keyOf(item, names) });
      deleted += 1;
    }
    return deleted;
  }
  return {
    enable: (tableName, attributeName) => void attributes.set(tableName, attributeName),
    async update(input) {
      const tableName = tableNameOf(input);
      await keyNames(tableName);
      const wanted = (input.TimeToLiveSpecification ?? {}) as { Enabled?: boolean; AttributeName?: string };
      if (typeof wanted.Enabled !== 'boolean' || !wanted.AttributeName) {
        throw new AwsError('ValidationException', 'TimeToLiveSpecification needs Enabled and AttributeName');
      }
      if (wanted.Enabled === attributes.has(tableName)) {
        throw new AwsError('ValidationException', `TimeToLive is already ${wanted.Enabled ? 'enabled' : 'disabled'}`);
      }
      if (wanted.Enabled) attributes.set(tableName, wanted.AttributeName);
      else attributes.delete(tableName);
      return { TimeToLiveSpecification: wanted };
    },
    async describe(input) {
      const tableName = tableNameOf(input);
      await keyNames(tableName);
      const AttributeName = attributes.get(tableName);
      return {
        TimeToLiveDescription: AttributeName
          ? { TimeToLiveStatus: 'ENABLED', AttributeName }
          : { TimeToLiveStatus: 'DISABLED' },
      };
    },
    async sweep() {
      let deleted = 0;
      for (const [tableName, attribute] of attributes) deleted += await sweepTable(tableName, attribute);
      return deleted;
    },
  };
}

async function* scan(engine: Engine, tableName: string): AsyncGenerator<Item> {
  let start: unknown;
  do {
    const page = await engine.run('Scan', {
      TableName: tableName,
      ...(start ? { ExclusiveStartKey: start } : {}),
    });
    yield* page.Items as Item[];
    start = page.LastEvaluatedKey;
  } while (start);
}
