import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ENVIRONMENT_PATTERN, KEY_ID_PATTERN } from '../lib/domain/api-key-format.ts';
import type { Instant } from '../lib/domain/grant.ts';
import { APP, ORGANIZATION_ID_PATTERN, TABLE_VARIABLES } from '../lib/domain/names.ts';
import { SCOPES, type Scope } from '../lib/domain/routes.ts';

export const USAGE = `usage: npm run ops -- keys create --name NAME --scopes all|SCOPE,… --organizations '*'|ID,… [--expires-in-days N] [--env ENV]
       npm run ops -- keys list
       npm run ops -- keys revoke ID
       npm run ops -- restore --env ENV --id INSTANT[-NAME] [--dry-run]
options of keys: --table NAME (else ${TABLE_VARIABLES.apiKeys}); --env is that of the table's name, ${APP}-ENV-…, unless told
restore brings the grants of a restored table up to date with the audit (runbook: Restore from a point in time), in the tables
named by ${TABLE_VARIABLES.grants} and ${TABLE_VARIABLES.connections} (the restored ones) and ${TABLE_VARIABLES.audit} (the live one);
--id is when the refreshers had been stopped, as 2026-11-20T14:30Z; the same id continues, another one begins anew
option of all: --json
scopes: ${SCOPES.join(', ')}
The AWS identity and region are those of the shell (AWS_PROFILE, AWS_REGION, …).
`;

/** A command that was understood. */
export type CommandLine = CreateCommand | ListCommand | RevokeCommand | RestoreCommand | { readonly verb: 'help' };

interface Shared {
  /** Physical name of the ApiKeys table. */
  readonly table: string;
  /** Print JSON instead of text. */
  readonly json: boolean;
}

export interface CreateCommand extends Shared {
  readonly verb: 'create';
  readonly environment: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly organizations: '*' | readonly string[];
  readonly expiresInDays?: number;
}

export interface ListCommand extends Shared {
  readonly verb: 'list';
}

export interface RevokeCommand extends Shared {
  readonly verb: 'revoke';
  readonly id: string;
}

export interface RestoreCommand {
  readonly verb: 'restore';
  readonly environment: string;
  readonly id: string;
  /** The instant the id begins with. */
  readonly beganAt: Instant;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Physical names. */
  readonly tables: { readonly grants: string; readonly connections: string; readonly audit: string };
}

/** A command line that was not understood; the message is one line that says why. */
export class UsageError extends Error {
  constructor(reason: string) {
    super(`${reason}; npm run ops -- help tells how`);
    this.name = 'UsageError';
  }
}

const SHARED = { table: { type: 'string' }, json: { type: 'boolean' } } as const;
const OPTIONS = {
  create: {
    ...SHARED,
    name: { type: 'string' },
    scopes: { type: 'string' },
    organizations: { type: 'string' },
    'expires-in-days': { type: 'string' },
    env: { type: 'string' },
  },
  list: SHARED,
  revoke: SHARED,
  restore: {
    json: { type: 'boolean' },
    env: { type: 'string' },
    id: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
} as const satisfies Record<string, ParseArgsConfig['options']>;

type Values = Readonly<Record<string, string | boolean | undefined>>;
type Variables = Readonly<Record<string, string | undefined>>;

/** The command in the words after `npm run ops --`. Throws `UsageError` for whatever it does not know. */
export function parseCommandLine(words: readonly string[], variables: Variables): CommandLine {
  const [noun, ...more] = words;
  const [verb, ...rest] = more;
  if (noun === undefined || noun === 'help' || noun === '--help') return { verb: 'help' };
  if (noun === 'restore') return restoreOf(parseWords(more, OPTIONS.restore), variables);
  if (noun !== 'keys') throw new UsageError(`unknown command "${noun}"`);
  if (verb !== 'create' && verb !== 'list' && verb !== 'revoke') throw new UsageError(`unknown verb "${verb ?? ''}"`);
  const { values, positionals } = parseWords(rest, OPTIONS[verb]);
  const [id, ...extra] = verb === 'revoke' ? positionals : [undefined, ...positionals];
  if (extra.length > 0) throw new UsageError(`unexpected argument "${extra[0]}"`);
  const shared = { table: tableOf(values, variables), json: values.json === true };
  switch (verb) {
    case 'create':
      return { verb, ...shared, ...createOf(values, shared.table) };
    case 'list':
      return { verb, ...shared };
    case 'revoke':
      return { verb, ...shared, id: matching(id, KEY_ID_PATTERN, 'revoke needs the id of a key (16 characters)') };
  }
}

function parseWords(args: string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { values: values as Values, positionals };
  } catch (error) {
    // Node's message goes on with advice that does not fit here.
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'unknown option');
  }
}

function createOf(values: Values, table: string): Omit<CreateCommand, 'verb' | keyof Shared> {
  const { 'expires-in-days': days } = values;
  return {
    environment: environmentOf(values.env, table),
    name: matching(values.name, /\S/, 'keys create needs --name'),
    scopes: scopesOf(values.scopes),
    organizations: organizationsOf(values.organizations),
    ...(days === undefined
      ? {}
      : {
          expiresInDays: Number(matching(days, /^[1-9]\d{0,4}$/, '--expires-in-days must be a whole number of days')),
        }),
  };
}

/** An instant to the minute, and a name where two restores begin in the same one. */
const RESTORE_ID = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})Z(-[A-Za-z0-9][A-Za-z0-9-]{0,39})?$/;

function restoreOf({ values, positionals }: ReturnType<typeof parseWords>, variables: Variables): RestoreCommand {
  if (positionals[0] !== undefined) throw new UsageError(`unexpected argument "${positionals[0]}"`);
  const idForm =
    'restore needs --id: when the refreshers had been stopped, as 2026-11-20T14:30Z, and -NAME if you like';
  const id = matching(values.id, RESTORE_ID, idForm);
  const beganAt = Date.parse(id.slice(0, 17));
  if (Number.isNaN(beganAt)) throw new UsageError(idForm);
  const tables = {
    grants: tableNamed('grants', variables),
    connections: tableNamed('connections', variables),
    audit: tableNamed('audit', variables),
  };
  const environment = matching(values.env, ENVIRONMENT_PATTERN, 'restore needs --env, the environment of the tables');
  const named = environmentIn(tables.audit);
  if (named !== undefined && named !== environment) {
    throw new UsageError(`--env is ${environment}, but the audit table is that of ${named}`);
  }
  return {
    verb: 'restore',
    environment,
    id,
    beganAt,
    dryRun: values['dry-run'] === true,
    json: values.json === true,
    tables,
  };
}

function tableNamed(table: 'grants' | 'connections' | 'audit', variables: Variables): string {
  const variable = TABLE_VARIABLES[table];
  return matching(variables[variable], TABLE_NAME, `${variable} must name the ${table} table`);
}

function environmentIn(table: string): string | undefined {
  return new RegExp(`^${APP}-([a-z0-9]+)-`).exec(table)?.[1];
}

/** A key names its environment, and one of another is refused there: it is that of the table, or has to be said. */
function environmentOf(given: Values['env'], table: string): string {
  const environment = given ?? environmentIn(table);
  if (environment === undefined) throw new UsageError('keys create needs --env, the environment the key is for');
  return matching(environment, ENVIRONMENT_PATTERN, '--env must be 1 to 16 of a-z, 0-9 and "-"');
}

/** As DynamoDB has it. */
const TABLE_NAME = /^[\w.-]{3,255}$/;

function tableOf(values: Values, variables: Variables): string {
  const name = values.table ?? variables[TABLE_VARIABLES.apiKeys];
  return matching(name, TABLE_NAME, `the ApiKeys table must be named by --table or ${TABLE_VARIABLES.apiKeys}`);
}

function scopesOf(text: unknown): readonly Scope[] {
  const names = matching(text, /\S/, `keys create needs --scopes: all, or of ${SCOPES.join(', ')}`).split(',');
  if (names.join() === 'all') return SCOPES;
  const unknown = names.find((name) => !(SCOPES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`unknown scope "${unknown}"`);
  return SCOPES.filter((scope) => names.includes(scope));
}

function organizationsOf(text: unknown): '*' | readonly string[] {
  const given = matching(text, /\S/, `keys create needs --organizations: '*', or ids`);
  if (given === '*') return '*';
  return given.split(',').map((id) => matching(id, ORGANIZATION_ID_PATTERN, `"${id}" is not an organisation id`));
}

function matching(value: unknown, pattern: RegExp, reason: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new UsageError(reason);
}
