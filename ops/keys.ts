import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { createDynamoStore } from '../lib/aws/dynamo-store.ts';
import type { ApiKey } from '../lib/domain/api-key.ts';
import { GrantkeeperError } from '../lib/domain/errors.ts';
import type { Instant } from '../lib/domain/grant.ts';
import { issueKey, revokeKey } from '../lib/service/issue-key.ts';
import type { Clock } from '../lib/service/ports.ts';
import type { CreateCommand, ListCommand, RevokeCommand } from './command-line.ts';

/** Where keys are kept, and the time. */
export interface KeyPlace {
  readonly client: DynamoDBDocumentClient;
  readonly clock: Clock;
}

/** A page of a scan is 1 MB, some thousands of keys; more pages than this is not a table of API keys. */
const MAX_PAGES = 20;

/** Issues a key and answers what to print: the key stands there and nowhere else. */
export async function createKey({ client, clock }: KeyPlace, command: CreateCommand): Promise<string> {
  const { table, json, environment, verb, ...request } = command;
  const store = createDynamoStore({ client, tables: { apiKeys: table } });
  const { key, record } = await issueKey({ store, clock, environment }, request);
  if (json) return jsonLine({ ...shown(record, clock.now()), key: key.open() });
  return `${key.open()}

This is the only time the key is shown: it is not stored, only its hash. Keep it in a secret store.
${line(record, clock.now())}
`;
}

/** All keys, newest first, without their hashes. */
export async function listKeys({ client, clock }: KeyPlace, { table, json }: ListCommand): Promise<string> {
  const keys = (await readAll(client, table)).sort((a, b) => b.createdAt - a.createdAt);
  if (json) return jsonLine(keys.map((key) => shown(key, clock.now())));
  return keys.length === 0 ? 'no keys\n' : `${keys.map((key) => line(key, clock.now())).join('\n')}\n`;
}

/** Ends a key. Throws `not_found` when there is none of that id. */
export async function endKey({ client, clock }: KeyPlace, { table, json, id }: RevokeCommand): Promise<string> {
  await revokeKey({ store: createDynamoStore({ client, tables: { apiKeys: table } }), clock }, id);
  return json
    ? jsonLine({ id, status: 'revoked' })
    : `${id} is revoked; the gateway may accept it for up to 60 s more\n`;
}

type ListedKey = Omit<ApiKey, 'secretHash'>;

/** `name` is a reserved word of DynamoDB, hence the placeholders. */
async function readAll(client: DynamoDBDocumentClient, table: string): Promise<ListedKey[]> {
  const fields = ['pk', 'name', 'scopes', 'organizations', 'createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'];
  const keys: ListedKey[] = [];
  let start: Record<string, unknown> | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: table,
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

function shown(key: ListedKey, now: Instant): Record<string, unknown> {
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

function line(key: ListedKey, now: Instant): string {
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

function statusOf(key: ListedKey, now: Instant): 'active' | 'expired' | 'revoked' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt <= now ? 'expired' : 'active';
}

function iso(instant: Instant | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString();
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
