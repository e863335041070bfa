import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { createClock } from '../../lib/runtime/clock.ts';
import { authorizeKey } from '../../lib/service/authorize-key.ts';
import { type Front, startFront } from '../support/front.ts';
import { opsVariables, runOps } from '../support/run-ops.ts';
import { createTables } from '../support/tables.ts';

/** The command line as a process: what goes where, and with which exit code. */

let front: Front;
let variables: Record<string, string>;

beforeAll(async () => {
  front = await startFront();
  const { apiKeys } = await createTables(front.client, 'ops');
  const { protocol, hostname, port } = (await front.client.config.endpoint?.()) ?? {};
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const place = { awsEndpointUrl: `${protocol}//${hostname}:${port}`, region: 'us-east-1', credentials };
  variables = { ...opsVariables(place), GK_TABLE_API_KEYS: apiKeys };
});
afterAll(() => front.stop());

const ops = (line: string, more: Record<string, string> = {}) => runOps(line.split(' '), { ...variables, ...more });

test('a key is created, accepted, listed and revoked', async () => {
  const words = '--name Reports --scopes tokens:read --organizations acme --expires-in-days 30 --env dev --json';
  const created = await ops(`keys create ${words}`);
  expect({ ...created, out: '' }).toEqual({ out: '', err: '', exitCode: 0 });
  const { key, id } = JSON.parse(created.out) as { key: string; id: string };
  const store = createDynamoStore({ client: front.client, tables: { apiKeys: variables.GK_TABLE_API_KEYS ?? '' } });
  const ports = { store, clock: createClock(), log: () => {}, environment: 'dev' };
  expect(await authorizeKey(ports, key)).toEqual({ id, scopes: ['tokens:read'], organizations: ['acme'] });

  const listed = await ops('keys list');
  expect(listed.out).toContain(`${id}  active `);
  expect(listed.out).not.toContain(key.slice(-49));

  expect(await ops(`keys revoke ${id}`)).toEqual({
    out: '',
    err: 'this asks before it begins and there is no terminal: --yes goes on, --dry-run only looks\n',
    exitCode: 2,
  });
  expect(await ops(`keys revoke ${id} --yes`)).toEqual({
    out: `${id} is revoked; the gateway may accept it for up to 60 s more\n`,
    err: '',
    exitCode: 0,
  });
  await expect(authorizeKey(ports, key)).rejects.toMatchObject({ code: 'unauthorized' });
  const [row] = JSON.parse((await ops('keys list --json')).out) as Record<string, unknown>[];
  expect(row).toMatchObject({ id, status: 'revoked', lastUsedAt: expect.stringMatching(/^\d{4}-/) });
  expect(row).not.toHaveProperty('secretHash');
});

test('help exits 0', async () => {
  const { out, exitCode } = await ops('help');
  expect([exitCode, out.split('\n')[0]]).toEqual([0, 'usage: npm run ops -- COMMAND --env ENV [options]']);
});

test.for([
  ['keys list --all', 2, "Unknown option '--all'; npm run ops -- help tells how\n"],
  ['keys revoke 0123456789abcdef --yes', 1, 'There is no such object. Check the id.\n'],
] as const)('"%s" is one line and exit %d', async ([line, exitCode, err]) => {
  expect(await ops(line)).toEqual({ out: '', err, exitCode });
});

test('a table that does not exist is one line and exit 1', async () => {
  const { err, exitCode } = await ops('keys list --table none');
  expect([exitCode, err]).toEqual([
    1,
    expect.stringMatching(
      /^AWS did not do it \(ResourceNotFoundException: [^\n]*\): check --env, AWS_REGION and the names given\n$/,
    ),
  ]);
});

test('an endpoint where nobody listens is one line and exit 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  const { err, exitCode } = await ops('keys list', { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
  expect([exitCode, err]).toEqual([
    1,
    `AWS did not do it (ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${port}): check the network, AWS_ENDPOINT_URL and AWS_REGION, then run it again\n`,
  ]);
});

test('without a region it says what to set', async () => {
  const { AWS_REGION: _, ...rest } = variables;
  const { err, exitCode } = await runOps(['keys', 'list'], { ...rest, AWS_CONFIG_FILE: '/dev/null' });
  expect([exitCode, err]).toEqual([1, 'AWS did not do it (Error: Region is missing): set AWS_REGION\n']);
});
