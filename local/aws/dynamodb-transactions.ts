/**
 * TransactWriteItems and TransactGetItems over single-item operations. The caller holds the front's lock, so nobody
 * reads or writes in between; legs run one by one, and when one fails the old images of the others are put back.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
import { createHash } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError } from './aws-error.ts';
import type { Engine, EngineOperation, Input, Item } from './dynalite-engine.ts';
import { tableNameOf } from './dynamodb-access.ts';

const MAX_LEGS = 100;
const IDEMPOTENCY_WINDOW_MS = 10 * 60_000;
const MAX_TOKEN_LENGTH = 36;

const LEG_OPERATIONS = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  // A check has the shape of a delete that is not carried out.
  ConditionCheck: 'DeleteItem',
} as const satisfies Record<string, EngineOperation>;

interface Leg {
  readonly kind: keyof typeof LEG_OPERATIONS;
  readonly input: Input;
  readonly key: Item;
}

/** Why a leg failed, in the order of the legs; `None` for those that did not. */
export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

interface Dependencies {
  readonly engine: Engine;
  readonly clock: MovableClock;
  /** The names of a table's key attributes; throws ResourceNotFoundException. */
  keyNames(tableName: string): Promise<readonly string[]>;
}

export interface Transactions {
  /** All legs or none. Must run under the exclusive lock. */
  write(input: Input): Promise<object>;
  /** A snapshot. Must run under the lock. */
  read(input: Input): Promise<object>;
}

/** DynamoDB's transactions, remembering successful request tokens for 10 minutes of the clock. */
export function createTransactions({ engine, clock, keyNames }: Dependencies): Transactions {
  const tokens = createTokenMemory(clock);
  return {
    async write(input) {
      const legs = await parseLegs(input, { engine, keyNames });
      const remembered = tokens.seen(input);
      if (!remembered) {
        await runLegs(legs, engine);
        tokens.remember(input);
      }
      return {};
    },
    async read(input) {
      const items = itemsOf(input) as { Get?: Input }[];
      const responses = [];
      for (const { Get } of items) {
        if (!Get) throw new AwsError('ValidationException', 'Each item of a TransactGetItems needs a Get.');
        const { Item } = await engine.run('GetItem', { ...Get, TableName: tableNameOf(Get), ConsistentRead: true });
        responses.push(Item ? { Item } : {});
      }
      return { Responses: responses };
    },
  };
}

/** The exception for a cancelled transaction, worded as DynamoDB does. */
export function transactionCanceled(reasons: readonly CancellationReason[]): AwsError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new AwsError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    400,
    { CancellationReasons: reasons },
  );
}

/** The old image of an item, if there is one. */
export async function readImage(engine: Engine, tableName: string, key: Item): Promise<Item | undefined> {
  const { Item } = await engine.run('GetItem', { TableName: tableName, Key: key, ConsistentRead: true });
  return Item as Item | undefined;
}

function itemsOf(input: Input): unknown[] {
  const items = input.TransactItems;
  if (Array.isArray(items) && items.length >= 1 && items.length <= MAX_LEGS) return items;
  const length = Array.isArray(items) ? items.length : 0;
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and ${MAX_LEGS}, got ${length}`,
  );
}

/** Everything that is wrong with the request itself is found here, before any leg has run. */
async function parseLegs(input: Input, { engine, keyNames }: Omit<Dependencies, 'clock'>): Promise<Leg[]> {
  const legs: Leg[] = [];
  const places = new Set<string>();
  for (const item of itemsOf(input)) {
    const { kind, input: request } = parseKind(item as Record<string, Input>);
    engine.validate(LEG_OPERATIONS[kind], request);
    const names = await keyNames(tableNameOf(request));
    const key = keyOf(request[kind === 'Put' ? 'Item' : 'Key'] as Item, names);
    const place = JSON.stringify([tableNameOf(request), names.map((name) => key[name])]);
    if (places.has(place)) {
      throw new AwsError('ValidationException', 'Transaction request cannot include multiple operations on one item');
    }
    places.add(place);
    legs.push({ kind, input: request, key });
  }
  return legs;
}

function parseKind(item: Record<string, Input>): Pick<Leg, 'kind' | 'input'> {
  const kinds = (Object.keys(LEG_OPERATIONS) as Leg['kind'][]).filter((kind) => item[kind]);
  const [kind] = kinds;
  const input = kind && item[kind];
  if (!input || kinds.length !== 1 || Object.keys(item).length !== 1) {
    throw new AwsError(
      'ValidationException',
      'TransactItems can only contain one of ConditionCheck, Put, Update or Delete',
    );
  }
  const required = { ConditionCheck: 'ConditionExpression', Update: 'UpdateExpression' }[kind as string];
  if (required && !input[required]) {
    throw new AwsError('ValidationException', `The ${required} parameter is required for ${kind}`);
  }
  // dynalite takes names only, DynamoDB also the table's ARN.
  return { kind, input: { ...input, TableName: tableNameOf(input) } };
}

/** The key attributes of an item or a key. */
export function keyOf(source: Item, names: readonly string[]): Item {
  const entries = names.map((name) => {
    const value = source[name];
    if (value) return [name, value] as const;
    throw new AwsError(
      'ValidationException',
      `One or more parameter values were invalid: Missing the key ${name} in the item`,
    );
  });
  return Object.fromEntries(entries);
}

async function runLegs(legs: readonly Leg[], engine: Engine): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  const reasons: CancellationReason[] = [];
  try {
    for (const leg of legs) {
      const image = await readImage(engine, tableNameOf(leg.input), leg.key);
      const reason = await runLeg(leg, image, engine);
      reasons.push(reason);
      if (reason.Code === 'None') undo.push(() => restore(leg, image, engine));
    }
    if (reasons.some(({ Code }) => Code !== 'None')) throw transactionCanceled(reasons);
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

async function runLeg(leg: Leg, image: Item | undefined, engine: Engine): Promise<CancellationReason> {
  try {
    if (leg.kind === 'ConditionCheck') return engine.conditionHolds(leg.input, image) ? { Code: 'None' } : failed();
    await engine.run(LEG_OPERATIONS[leg.kind], leg.input);
    return { Code: 'None' };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.code === 'ConditionalCheckFailedException') return failed();
    if (error.code === 'ValidationException') return { Code: 'ValidationError', Message: error.message };
    throw error;
  }

  function failed(): CancellationReason {
    const wanted = image && leg.input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
    return {
      Code: 'ConditionalCheckFailed',
      Message: 'The conditional request failed',
      ...(wanted ? { Item: image } : {}),
    };
  }
}

async function restore(leg: Leg, image: Item | undefined, engine: Engine): Promise<void> {
  if (leg.kind === 'ConditionCheck') return;
  const TableName = tableNameOf(leg.input);
  await (image
    ? engine.run('PutItem', { TableName, Item: image })
    : engine.run('DeleteItem', { TableName, Key: leg.key }));
}

/**
 * Only successes are remembered: DynamoDB promises that a repeat of a *successful* call changes nothing. A second call
 * while the first still runs waits for the lock here, where DynamoDB may answer TransactionInProgressException.
 */
function createTokenMemory(clock: MovableClock) {
  const seen = new Map<string, { digest: string; until: number }>();
  return {
    seen(input: Input): boolean {
      const token = input.ClientRequestToken;
      if (typeof token !== 'string') return false;
      if (token.length < 1 || token.length > MAX_TOKEN_LENGTH) {
        throw new AwsError('ValidationException', `ClientRequestToken must have 1 to ${MAX_TOKEN_LENGTH} characters`);
      }
      const entry = seen.get(token);
      if (!entry || entry.until <= clock.now()) return false;
      if (entry.digest === digestOf(input)) return true;
      throw new AwsError(
        'IdempotentParameterMismatchException',
        'The provided idempotency token was already used with different request parameters.',
      );
    },
    remember(input: Input): void {
      const now = clock.now();
      // Insertion order is order of expiry, since all live equally long.
      for (const [token, { until }] of seen) {
        if (until > now) break;
        seen.delete(token);
      }
      const token = input.ClientRequestToken;
      if (typeof token !== 'string') return;
      seen.delete(token);
      seen.set(token, { digest: digestOf(input), until: now + IDEMPOTENCY_WINDOW_MS });
    },
  };
}

function digestOf(input: Input): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(input.TransactItems)))
    .digest('base64');
}

/** The order of members says nothing in JSON, so it must not in a comparison. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
