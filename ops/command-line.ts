import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ENVIRONMENT_PATTERN, KEY_ID_PATTERN } from '../lib/domain/api-key-format.ts';
import { APP, ORGANIZATION_ID_PATTERN, TABLE_VARIABLES } from '../lib/domain/names.ts';
import { SCOPES, type Scope } from '../lib/domain/routes.ts';

export const USAGE = `usage: npm run ops -- keys create --name NAME --scopes all|SCOPE,… --organizations '*'|ID,… [--expires-in-days N] [--env ENV]
       npm run ops -- keys list
       npm run ops -- keys revoke ID
options of all: --table NAME (else ${TABLE_VARIABLES.apiKeys}), --json; --env is that of the table's name, ${APP}-ENV-…, unless told
scopes: ${SCOPES.join(', ')}
The AWS identity and region are those of the shell (AWS_PROFILE, AWS_REGION, …).
`;

/** A command that was understood. */
export type CommandLine = CreateCommand | ListCommand | RevokeCommand | { readonly verb: 'help' };

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
} as const satisfies Record<string, ParseArgsConfig['options']>;

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** The command in the words after `npm run ops --`. Throws `UsageError` for whatever it does not know. */
export function parseCommandLine(
  words: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const [noun, verb, ...rest] = words;
  if (noun === undefined || noun === 'help' || noun === '--help') return { verb: 'help' };
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

/** A key names its environment, and one of another is refused there: it is that of the table, or has to be said. */
function environmentOf(given: Values['env'], table: string): string {
  const environment = given ?? new RegExp(`^${APP}-([a-z0-9]+)-`).exec(table)?.[1];
  if (environment === undefined) throw new UsageError('keys create needs --env, the environment the key is for');
  return matching(environment, ENVIRONMENT_PATTERN, '--env must be 1 to 16 of a-z, 0-9 and "-"');
}

function tableOf(values: Values, variables: Readonly<Record<string, string | undefined>>): string {
  const name = values.table ?? variables[TABLE_VARIABLES.apiKeys];
  return matching(name, /^[\w.-]{3,255}$/, `the ApiKeys table must be named by --table or ${TABLE_VARIABLES.apiKeys}`);
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
