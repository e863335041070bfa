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
