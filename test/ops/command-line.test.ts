import { expect, test } from 'vitest';
import { type CommandLine, parseCommandLine, UsageError } from '../../ops/command-line.ts';

const ENV = { GK_TABLE_API_KEYS: 'Keys' };
const UNNAMED = 'keys create --name Reports --scopes tokens:read,connections:read --organizations acme,beta';
const SCOPES = ['connections:read', 'connections:write', 'tokens:read', 'tokens:write'] as const;
const CREATE = `${UNNAMED} --env dev`;

test.for<[string, CommandLine]>([
  ['', { verb: 'help' }],
  ['help', { verb: 'help' }],
  ['--help', { verb: 'help' }],
  [
    CREATE,
    {
      verb: 'create',
      table: 'Keys',
      json: false,
      environment: 'dev',
      name: 'Reports',
      scopes: ['connections:read', 'tokens:read'],
      organizations: ['acme', 'beta'],
    },
  ],
  [
    'keys create --name=R --scopes=all --organizations=* --expires-in-days 30 --env prod --table Other --json',
    {
      verb: 'create',
      table: 'Other',
      json: true,
      environment: 'prod',
      name: 'R',
      scopes: SCOPES,
      organizations: '*',
      expiresInDays: 30,
    },
  ],
  ['keys list --json', { verb: 'list', table: 'Keys', json: true }],
  ['keys revoke 0123456789abcdef', { verb: 'revoke', table: 'Keys', json: false, id: '0123456789abcdef' }],
])('"%s" is understood', ([line, expected]) => {
  expect(parseCommandLine(line.split(' ').filter(Boolean), ENV)).toEqual(expected);
});

test('a key is for the environment whose table it is put into', () => {
  const tables = ['grantkeeper-prod-stateful-Tables', 'grantkeeper-local-stateful-Tables'];
  const keys = tables.map((table) => parseCommandLine([...UNNAMED.split(' '), '--table', table], {}));
  expect(keys.map((key) => 'environment' in key && key.environment)).toEqual(['prod', 'local']);
});

test.for([
  ['key list', 'unknown command "key"'],
  ['keys', 'unknown verb ""'],
  ['keys delete', 'unknown verb "delete"'],
  ['keys list --force', "Unknown option '--force'"],
  ['keys list --name x', "Unknown option '--name'"],
  ['keys list extra', 'unexpected argument "extra"'],
  ['keys revoke', 'revoke needs the id of a key (16 characters)'],
  ['keys revoke 0123456789abcdef 0123456789abcdeg', 'unexpected argument "0123456789abcdeg"'],
  ['keys revoke gk_dev_0123456789abcdef', 'revoke needs the id of a key (16 characters)'],
  ['keys create --scopes all --organizations * --env dev', 'keys create needs --name'],
  ['keys create --name a --organizations * --env dev', `keys create needs --scopes: all, or of ${SCOPES.join(', ')}`],
  ['keys create --name a --scopes admin --organizations * --env dev', 'unknown scope "admin"'],
  ['keys create --name a --scopes all,tokens:read --organizations * --env dev', 'unknown scope "all"'],
  ['keys create --name a --scopes all --env dev', "keys create needs --organizations: '*', or ids"],
  ['keys create --name a --scopes all --organizations acme,-beta --env dev', '"-beta" is not an organisation id'],
  [`${CREATE} --expires-in-days 0`, '--expires-in-days must be a whole number of days'],
  [`${CREATE} --expires-in-days soon`, '--expires-in-days must be a whole number of days'],
  [UNNAMED, 'keys create needs --env, the environment the key is for'],
  [`${UNNAMED} --env My_Env`, '--env must be 1 to 16 of a-z, 0-9 and "-"'],
  [`${CREATE} --table a/b`, 'the ApiKeys table must be named by --table or GK_TABLE_API_KEYS'],
] as const)('"%s" is refused in one line', ([line, reason]) => {
  const words = line.split(' ');
  expect(() => parseCommandLine(words, ENV)).toThrow(new UsageError(reason));
});

test('without a table nothing is done', () => {
  const reason = 'the ApiKeys table must be named by --table or GK_TABLE_API_KEYS';
  expect(() => parseCommandLine(['keys', 'list'], {})).toThrow(new UsageError(reason));
});

const TABLES = {
  GK_TABLE_GRANTS: 'Grants-restored',
  GK_TABLE_CONNECTIONS: 'Connections-restored',
  GK_TABLE_AUDIT: 'grantkeeper-dev-stateful-Audit',
};
const RESTORE = {
  verb: 'restore',
  environment: 'dev',
  id: '2026-11-20T14:30Z',
  beganAt: 1_795_185_000_000,
  dryRun: false,
  json: false,
  tables: {
    grants: 'Grants-restored',
    connections: 'Connections-restored',
    audit: 'grantkeeper-dev-stateful-Audit',
  },
} as const;

test.for<[string, CommandLine]>([
  ['restore --env dev --id 2026-11-20T14:30Z', RESTORE],
  [
    'restore --id=2026-11-20T14:30Z-second-try --env=dev --dry-run --json',
    { ...RESTORE, id: '2026-11-20T14:30Z-second-try', dryRun: true, json: true },
  ],
])('"%s" is understood', ([line, expected]) => {
  expect(parseCommandLine(line.split(' '), TABLES)).toEqual(expected);
});

test.for([
  ['restore --id 2026-11-20T14:30Z', {}, 'restore needs --env, the environment of the tables'],
  ['restore --env dev', {}, 'restore needs --id: when the refreshers had been stopped, as 2026-11-20T14:30Z'],
  ['restore --env dev --id incident-7', {}, 'restore needs --id'],
  ['restore --env dev --id 2026-13-20T14:30Z', {}, 'restore needs --id'],
  ['restore --env dev --id 2026-11-20T14:30Z#x', {}, 'restore needs --id'],
  ['restore grants --env dev --id 2026-11-20T14:30Z', {}, 'unexpected argument "grants"'],
  ['restore --env dev --id 2026-11-20T14:30Z --table X', {}, "Unknown option '--table'"],
  ['restore --env prod --id 2026-11-20T14:30Z', {}, '--env is prod, but the audit table is that of dev'],
  [
    'restore --env dev --id 2026-11-20T14:30Z',
    { GK_TABLE_GRANTS: undefined },
    'GK_TABLE_GRANTS must name the grants table',
  ],
  ['restore --env dev --id 2026-11-20T14:30Z', { GK_TABLE_CONNECTIONS: '' }, 'GK_TABLE_CONNECTIONS must name'],
  ['restore --env dev --id 2026-11-20T14:30Z', { GK_TABLE_AUDIT: undefined }, 'GK_TABLE_AUDIT must name'],
] as const)('"%s" with %j is refused: %s', ([line, changes, reason]) => {
  const parse = () => parseCommandLine(line.split(' '), { ...TABLES, ...changes });
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(reason);
});
