import { expect, test } from 'vitest';
import { COMMANDS, understand } from '../../ops/registry.ts';

const NOWHERE = {} as Parameters<ReturnType<typeof understand>['run']>[0];
const say = async (line: string) => (await understand(line.split(' ').filter(Boolean), {}).run(NOWHERE)).text;
const CREATE = 'keys create --env dev --name a';
const SCOPES = 'connections:read, connections:write, tokens:read, tokens:write';
/** probe-sandbox speaks as whoever has these. */
const DEVELOPER_KEYS = Object.fromEntries(
  ['QBO_CLIENT_ID', 'QBO_CLIENT_SECRET', 'XERO_CLIENT_ID', 'XERO_CLIENT_SECRET'].map((name) => [name, 'x']),
);
const RESTORE_ID =
  'restore needs --id: when the refreshers had been stopped, as 2026-11-20T14:30Z, and -NAME if you like';

test.for<[string, string]>([
  ['frobnicate', 'unknown command "frobnicate"'],
  ['key list', 'unknown command "key"'],
  ['help frobnicate', 'unknown command "frobnicate"'],
  ['keys', 'keys needs one of create, list, rotate, revoke'],
  ['keys --json', 'keys needs one of create, list, rotate, revoke'],
  ['keys delete', 'unknown command "keys delete": keys needs one of create, list, rotate, revoke'],
  ['rotate', 'rotate needs one of state-key'],
  ['status', '--env is missing: which environment, as dev, prod or local'],
  ['status --env My_Env', '--env must be 1 to 16 of a-z, 0-9 and "-"'],
  ['status --env dev more', 'unexpected argument "more"'],
  ['status --env dev --force', "Unknown option '--force'"],
  ['explain --env dev', 'ORGANISATION is missing'],
  ['explain acme --env dev', 'PROVIDER is missing'],
  ['explain acme sage --env dev', '"sage" is not one of quickbooks, xero'],
  ['explain -acme xero --env dev', "Unknown option '-a'"],
  ['explain a/b xero --env dev', '"a/b" is not an organisation id'],
  ['drill --env dev', 'ALARM-ID is missing'],
  [
    'resume --env dev --only get-token',
    '--only: "get-token" is not one of refresh-grant, finish-connect, rescue, refresh-due',
  ],
  ['resume --env dev --sweeps 9', '--sweeps must be a whole number from 1 to 8'],
  ['rotate state-key --env dev --wait soon', '--wait must be a whole number from 0 to 3600'],
  ['keys list', 'the ApiKeys table must be named by --env, --table or GK_TABLE_API_KEYS'],
  ['keys list --table a/b', 'the ApiKeys table must be named by --env, --table or GK_TABLE_API_KEYS'],
  ['keys list --env dev --name x', "Unknown option '--name'"],
  ['keys revoke --env dev', 'keys revoke needs the id of a key (16 characters)'],
  ['keys revoke gk_dev_0123456789abcdef --env dev', 'keys revoke needs the id of a key (16 characters)'],
  ['keys revoke 0123456789abcdef 0123456789abcdeg --env dev', 'unexpected argument "0123456789abcdeg"'],
  ['keys rotate --env dev', 'keys rotate needs the id of a key (16 characters)'],
  [
    'keys rotate 0123456789abcdef --env dev --overlap-hours 721',
    '--overlap-hours must be a whole number from 0 to 720',
  ],
  ['keys create --env dev --scopes all --organizations *', 'keys create needs --name'],
  [`${CREATE} --organizations *`, `keys create needs --scopes: all, or of ${SCOPES}`],
  [`${CREATE} --scopes admin --organizations *`, 'unknown scope "admin"'],
  [`${CREATE} --scopes all,tokens:read --organizations *`, 'unknown scope "all"'],
  [`${CREATE} --scopes all`, "keys create needs --organizations: '*', or ids"],
  [`${CREATE} --scopes all --organizations acme,-b`, '"-b" is not an organisation id'],
  [`${CREATE} --scopes all --organizations * --expires-in-days 0`, '--expires-in-days must be a whole number of days'],
  [
    'keys create --table T-1 --name a --scopes all --organizations *',
    'keys create needs --env, the environment the key is for',
  ],
  ['restore --env dev', RESTORE_ID],
  ['restore --env dev --id 2026-13-20T14:30Z', RESTORE_ID],
  ['restore --env dev --id 2026-11-20T14:30Z#x', RESTORE_ID],
  ['restore --id 2026-11-20T14:30Z', '--env is missing: which environment, as dev, prod or local'],
  ['revoke-all --env dev', 'revoke-all needs either --provider or --organisation'],
  ['revoke-all --env dev --provider xero --organisation acme', 'revoke-all needs either --provider or --organisation'],
  ['erase --env dev', 'ORGANISATION is missing'],
])('"%s" is not understood: %s', ([line, message]) => {
  const understanding = () => understand(line.split(' '), {});
  expect(understanding).toThrow(expect.objectContaining({ name: 'UsageError', message }));
});

test.for(['', 'help', '--help', '-h'])('"%s" shows every command with its line', async (line) => {
  const text = await say(line);
  expect(text).toMatch(/^usage: npm run ops -- COMMAND --env ENV \[options\]\n/);
  const shown = text.split('\n').filter((each) => each.startsWith('  '));
  expect(shown.slice(0, -1).map((each) => each.slice(2).split(/ {2,}/))).toEqual(
    COMMANDS.map(({ name, summary }) => [name, summary]),
  );
});

test.for(['help pause', 'pause --help', 'pause --env dev -h'])('"%s" tells all about one command', async (line) => {
  expect(await say(line)).toBe(`usage: npm run ops -- pause --env ENV [--dry-run] [--yes] [--json]
  stops everything that sends or stores refresh tokens: reserved concurrency 0

  Stops refresh-due, rescue, finish-connect, refresh-grant. What runs goes on to its end, four minutes at most.
  get-token goes on serving access tokens while they are valid, an hour at most; connecting fails; messages stay on
  the rescue queue. The alarm sweep-heartbeat sounds after six minutes. No deployment ends it: resume does.

  npm run ops -- pause --env dev --dry-run
  npm run ops -- pause --env prod
`);
});

test('help on the first word of several tells about each', async () => {
  const usages = (await say('help keys')).match(/^usage: npm run ops -- keys \w+/gm);
  expect(usages).toEqual(['create', 'list', 'rotate', 'revoke'].map((verb) => `usage: npm run ops -- keys ${verb}`));
});

test('every command that ends or deletes can be looked at first, and asks', () => {
  const destructive = [
    'drill',
    'pause',
    'keys rotate',
    'keys revoke',
    'restore',
    'revoke-all',
    'erase',
    'probe-sandbox',
  ];
  const asking = COMMANDS.filter(({ usage }) => usage.includes('[--yes]')).map(({ name }) => name);
  expect(asking).toEqual(destructive);
  const dry = COMMANDS.filter(({ usage }) => usage.includes('[--dry-run]')).map(({ name }) => name);
  expect(dry.toSorted()).toEqual([...destructive, 'resume', 'rotate state-key'].toSorted());
});

test('each example of the help is understood', () => {
  for (const { examples } of COMMANDS) {
    for (const example of examples) {
      const words = example.replaceAll("'", '').split(' ');
      expect(() => understand(words, DEVELOPER_KEYS), example).not.toThrow();
    }
  }
});
