import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { ApiKey } from '../lib/domain/api-key.ts';
import { ENVIRONMENT_PATTERN } from '../lib/domain/api-key-format.ts';
import { GrantkeeperError } from '../lib/domain/errors.ts';
import type { Instant } from '../lib/domain/grant.ts';
import { TABLE_VARIABLES } from '../lib/domain/names.ts';
import { environmentIn, type Given, matching, type Options, UsageError } from './arguments.ts';
import type { Session } from './command.ts';
import { findPlace, type Place } from './place.ts';

/** Which table of keys is meant: by its name, or that of an environment. */
export interface KeyTable {
  readonly table?: string;
  readonly environment?: string;
}

/** The options that `keyTableOf` reads. */
export const KEY_TABLE_OPTIONS = { table: { type: 'string' }, env: { type: 'string' } } as const satisfies Options;

/** A page of a scan is 1 MB, some thousands of keys; more pages than this is not a table of API keys. */
const MAX_PAGES = 20;
/** As DynamoDB has it. */
const TABLE_NAME = /^[\w.-]{3,255}$/;

/** `--table`, its variable or `--env`: one of them must say which keys are meant. */
export function keyTableOf({ values, variables }: Given): KeyTable {
  const name = values.table ?? (variables[TABLE_VARIABLES.apiKeys] || undefined);
  const unclear = `the ApiKeys table must be named by --env, --table or ${TABLE_VARIABLES.apiKeys}`;
  if (name === undefined && values.env === undefined) throw new UsageError(unclear);
  const table = name === undefined ? undefined : matching(name, TABLE_NAME, unclear);
  const given = values.env ?? (table === undefined ? undefined : environmentIn(table));
  const environment =
    given === undefined ? undefined : matching(given, ENVIRONMENT_PATTERN, '--env must be 1 to 16 of a-z, 0-9 and "-"');
  return {
    ...(table === undefined ? {} : { table }),
    ...(environment === undefined ? {} : { environment }),
  };
}

/** A key names its environment, and one of another is refused there: it is that of the table, or has to be said. */
export function environmentOfKeys(told: KeyTable, command: string): string {
  if (told.environment !== undefined) return told.environment;
  throw new UsageError(`${command} needs --env, the environment the key is for`);
}

/** Where the keys are. */
export async function findKeys(session: Session, { table, environment = '' }: KeyTable): Promise<Place<'apiKeys'>> {
  if (table === undefined) return await findPlace(session, environment, ['apiKeys']);
  const variables = { ...session.variables, [TABLE_VARIABLES.apiKeys]: table };
  return await findPlace({ ...session, variables }, environment || (environmentIn(table) ?? ''), ['apiKeys']);
}

/** A key as it may be shown. */
export type ListedKey = Omit<ApiKey, 'secretHash'>;

/** All keys, in no order, without their hashes. `name` is a reserved word of DynamoDB, hence the placeholders. */
export async function scanKeys({ clients }: Pick<Session, 'clients'>, table: string): Promise<ListedKey[]> {
  const fields = ['pk', 'name', 'scopes', 'organizations', 'createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'];
  const keys: ListedKey[] = [];
  let start: Record<string, unknown> | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { Items = [], LastEvaluatedKey } = await clients.dynamoDb.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ProjectionExpression: fields.map((field) => `#${field}`).join(', '),
        ExpressionAttributeNames: Object.fromEntries(fields.map((field) => [`#${field}`, field])),
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    keys.push(...(Items as ListedKey[]));
    if (LastEvaluatedKey === undefined) return keys;
    start = LastEvaluatedKey;
  }
  throw new GrantkeeperError('unavailable');
}

/** A key for programs. */
export function shownKey(key: ListedKey, now: Instant): Record<string, unknown> {
  return {
    id: key.pk,
    name: key.name,
    status: statusOf(key, now),
    scopes: key.scopes,
    organizations: key.organizations,
    createdAt: iso(key.createdAt),
    expiresAt: iso(key.expiresAt),
    lastUsedAt: iso(key.lastUsedAt),
  };
}

/** A key in one line. */
export function keyLine(key: ListedKey, now: Instant): string {
  const organizations = key.organizations === '*' ? '*' : key.organizations.join(',');
  return [
    key.pk,
    statusOf(key, now).padEnd(7),
    `expires ${iso(key.expiresAt)?.slice(0, 10) ?? 'never'}`,
    `used ${iso(key.lastUsedAt)?.slice(0, 16) ?? 'never'}`,
    key.scopes.join(','),
    organizations,
    key.name,
  ].join('  ');
}

/** The one time a new key is shown, and what to do with it. */
export function newKeyText(key: string, line: string): string {
  return `${key}

This is the only time the key is shown: it is not stored, only its hash. Keep it in a secret store.
${line}
`;
}

function statusOf(key: ListedKey, now: Instant): 'active' | 'expired' | 'revoked' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt <= now ? 'expired' : 'active';
}

function iso(instant: Instant | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString();
}
