import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { createClock } from '../../lib/runtime/clock.ts';
import { authorizeKey } from '../../lib/service/authorize-key.ts';
import { type Front, startFront } from '../support/front.ts';
import { createTables } from '../support/tables.ts';

const MAIN = fileURLToPath(new URL('../../ops/main.ts', import.meta.url));
let front: Front;
let environment: Record<string, string>;

beforeAll(async () => {
  front = await startFront();
  const { apiKeys } = await createTables(front.client, 'ops');
  const { protocol, hostname, port } = (await front.client.config.endpoint?.()) ?? {};
  environment = {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL: `${protocol}//${hostname}:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    GK_TABLE_API_KEYS: apiKeys,
  };
});
afterAll(() => front.stop());

/** What the command line prints, as a process of its own. */
async function ops(words: readonly string[], variables = environment) {
  const child = spawn(process.execPath, [MAIN, ...words], { env: variables, stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { out, err, exitCode };
}

test('a key is created, accepted, listed and revoked', async () => {
  const words = [
    '--name',
    'Reports',
    '--scopes',
    'tokens:read',
    '--organizations',
    'acme',
    '--expires-in-days',
    '30',
    '--env',
    'dev',
  ];
  const created = await ops(['keys', 'create', ...words, '--json']);
  expect({ ...created, out: '' }).toEqual({ out: '', err: '', exitCode: 0 });
  const { key, ...shown } = JSON.parse(created.out) as { key: string; id: string };
  expect(shown).toEqual({
    id: expect.stringMatching(/^[0-9a-z]{16}$/),
    name: 'Reports',
    status: 'active',
    scopes: ['tokens:read'],
    organizations: ['acme'],
    createdAt: expect.stringMatching(/^\d{4}-/),
    expiresAt: expect.stringMatching(/^\d{4}-/),
  });

  const store = createDynamoStore({ client: front.client, tables: { apiKeys: environment.GK_TABLE_API_KEYS ?? '' } });
  const ports = { store, clock: createClock(), log: () => {}, environment: 'dev' };
  expect(await authorizeKey(ports, key)).toEqual({ id: shown.id, scopes: ['tokens:read'], organizations: ['acme'] });

  const listed = await ops(['keys', 'list']);
  expect(listed.out).toContain(`${shown.id}  active `);
  expect(listed.out).toContain('  tokens:read  acme  Reports\n');
  expect(listed.out).not.toContain(key.slice(-49));

  const revoked = await ops(['keys', 'revoke', shown.id]);
  expect(revoked).toEqual({
    out: `${shown.id} is revoked; the gateway may accept it for up to 60 s more\n`,
    err: '',
    exitCode: 0,
  });
  await expect(authorizeKey(ports, key)).rejects.toMatchObject({ code: 'unauthorized' });
  const [row] = JSON.parse((await ops(['keys', 'list', '--json'])).out) as Record<string, unknown>[];
  expect(row).toMatchObject({ id: shown.id, status: 'revoked', lastUsedAt: expect.stringMatching(/^\d{4}-/) });
  expect(row).not.toHaveProperty('secretHash');
});

test('a key made for reading comes with a warning', async () => {
  const { out, exitCode } = await ops([
    'keys',
    'create',
    '--name',
    'All',
    '--scopes',
    'all',
    '--organizations',
    '*',
    '--env',
    'prod',
  ]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^gk_prod_[0-9a-z]{16}_[0-9A-Za-z]{49}\n\nThis is the only time the key is shown/);
});

test('help exits 0', async () => {
  const { out, exitCode } = await ops([]);
  expect([exitCode, out.split('\n')[0]]).toEqual([0, expect.stringContaining('usage: npm run ops -- keys create')]);
});

test.for([
  ['an unknown option', ['keys', 'list', '--all'], "Unknown option '--all'; npm run ops -- help tells how\n"],
  ['a key that does not exist', ['keys', 'revoke', '0123456789abcdef'], 'There is no such object. Check the id.\n'],
] as const)('%s is one line and exit 1', async ([, words, line]) => {
  expect(await ops(words)).toEqual({ out: '', err: line, exitCode: 1 });
});

test('a table that does not exist is one line and exit 1', async () => {
  const { err, exitCode } = await ops(['keys', 'list', '--table', 'none']);
  expect([exitCode, err]).toEqual([
    1,
    expect.stringMatching(
      /^AWS did not do it \(ResourceNotFoundException: [^\n]*\): check AWS_REGION, credentials and the names of the tables\n$/,
    ),
  ]);
});
