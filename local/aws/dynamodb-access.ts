/**
 * What a DynamoDB request needs from IAM: actions, resources and condition keys.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
import type { Input, Item } from './dynalite-engine.ts';
import { namesInExpression } from './expression-names.ts';
import type { Access } from './iam.ts';

/** The partition key's name per table and per index (`<table>/index/<name>`). */
type PartitionKeys = ReadonlyMap<string, string>;

interface Scope {
  /** `arn:aws:dynamodb:<region>:<account>:table/` */
  readonly tableArnPrefix: string;
  readonly partitionKeys: PartitionKeys;
}

const EXPRESSIONS = [
  'ConditionExpression',
  'FilterExpression',
  'KeyConditionExpression',
  'ProjectionExpression',
  'UpdateExpression',
] as const;
/** Members keyed by attribute name: the item, the key and the older, expression-free parameters. */
const NAMED_MAPS = [
  'Item',
  'Key',
  'AttributeUpdates',
  'Expected',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
] as const;

const TRANSACTION_ACTIONS = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
} as const;

/** Every access an operation needs; all of them must be granted. */
export function accessesOf(operation: string, input: Input, scope: Scope): Access[] {
  switch (operation) {
    case 'ListTables':
      return [{ action: 'dynamodb:ListTables', resource: '*' }];
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return transactionAccesses(operation, input, scope);
    case 'BatchGetItem':
      return Object.entries((input.RequestItems ?? {}) as Record<string, Input>).map(([table, request]) =>
        access(operation, { ...request, TableName: table }, scope),
      );
    default:
      return [access(operation, input, scope)];
  }
}

function transactionAccesses(operation: string, input: Input, scope: Scope): Access[] {
  const legs = (input.TransactItems ?? []) as Record<string, Input>[];
  return legs.flatMap((leg) =>
    Object.entries(leg).flatMap(([kind, request]) => {
      if (!(kind in TRANSACTION_ACTIONS)) return [];
      const action = TRANSACTION_ACTIONS[kind as keyof typeof TRANSACTION_ACTIONS];
      const { context, ...rest } = access(action, request, scope);
      return [{ ...rest, context: { ...context, 'dynamodb:EnclosingOperation': operation } }];
    }),
  );
}

function access(operation: string, input: Input, scope: Scope): Access & { context: object } {
  const index = input.IndexName ? `/index/${String(input.IndexName)}` : '';
  const place = tableNameOf(input) + index;
  const leadingKeys = leadingKeysOf(input, scope.partitionKeys.get(place));
  const attributes = attributesOf(input);
  return {
    action: `dynamodb:${operation}`,
    resource: scope.tableArnPrefix + place,
    context: {
      ...(leadingKeys.length > 0 ? { 'dynamodb:LeadingKeys': leadingKeys } : {}),
      ...(attributes.length > 0 ? { 'dynamodb:Attributes': attributes } : {}),
      ...parameterKeys(operation, input),
    },
  };
}

/** The table of a request, which may name it by ARN. */
export function tableNameOf(input: Input): string {
  return String(input.TableName ?? '').replace(/^arn:[^/]*:table\//, '');
}

function parameterKeys(operation: string, input: Input): Record<string, string | boolean> {
  const keys: Record<string, string | boolean> = {};
  for (const name of ['ReturnValues', 'ReturnConsumedCapacity']) {
    if (typeof input[name] === 'string') keys[`dynamodb:${name}`] = input[name];
  }
  if (['GetItem', 'BatchGetItem', 'Query', 'Scan'].includes(operation)) keys['dynamodb:Select'] = selectOf(input);
  if (operation === 'Scan') keys['dynamodb:FullTableScan'] = true;
  return keys;
}

function selectOf(input: Input): string {
  if (typeof input.Select === 'string') return input.Select;
  if (input.ProjectionExpression || input.AttributesToGet) return 'SPECIFIC_ATTRIBUTES';
  return input.IndexName ? 'ALL_PROJECTED_ATTRIBUTES' : 'ALL_ATTRIBUTES';
}

/** Every top-level attribute name that the request mentions; key attributes count. */
function attributesOf(input: Input): string[] {
  const names = (input.ExpressionAttributeNames ?? {}) as Record<string, string>;
  const found = [
    ...keysOf(input).flatMap((key) => Object.keys(key)),
    ...NAMED_MAPS.flatMap((member) => Object.keys((input[member] ?? {}) as object)),
    ...EXPRESSIONS.flatMap((member) => namesInExpression(String(input[member] ?? ''), names)),
    ...((input.AttributesToGet ?? []) as string[]),
  ];
  return [...new Set(found)];
}

function leadingKeysOf(input: Input, partitionKey: string | undefined): string[] {
  if (!partitionKey) return [];
  const found = [...keysOf(input), (input.Item ?? {}) as Item]
    .map((key) => key[partitionKey])
    .concat(queriedKey(input, partitionKey));
  return [...new Set(found.flatMap((value) => (value ? [scalar(value)] : [])))];
}

/** BatchGetItem has `Keys`, everything else at most one `Key`. */
function keysOf(input: Input): Item[] {
  const { Keys = [], Key } = input as { Keys?: readonly Item[]; Key?: Item };
  return [...Keys, ...(Key ? [Key] : [])];
}

function queriedKey(input: Input, partitionKey: string): Item[string] | undefined {
  const legacy = (input.KeyConditions as Record<string, { AttributeValueList?: Item[string][] }> | undefined)?.[
    partitionKey
  ];
  if (legacy) return legacy.AttributeValueList?.[0];
  const names = (input.ExpressionAttributeNames ?? {}) as Record<string, string>;
  const expression = String(input.KeyConditionExpression ?? '');
  for (const [, name = '', value = ''] of expression.matchAll(/(#?[\w.-]+)\s*=\s*(:\w+)/g)) {
    if ((names[name] ?? name) === partitionKey) return ((input.ExpressionAttributeValues ?? {}) as Item)[value];
  }
  return undefined;
}

function scalar(value: Item[string]): string {
  return String(Object.values(value)[0]);
}
