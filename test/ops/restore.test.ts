import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { auditRow } from '../../lib/domain/audit.ts';
import type { GrantFields } from '../../lib/domain/grant.ts';
import { appendAudit, type Write } from '../../lib/domain/write.ts';
import type { Store } from '../../lib/service/ports.ts';
import { type Front, startFront } from '../support/front.ts';
import { quickbooksConnection, quickbooksGrant } from '../support/grants.ts';
import { createTables } from '../support/tables.ts';

const MAIN = fileURLToPath(new URL('../../ops/main.ts', import.meta.url));
/** The command compares with the machine's clock: the table is of yesterday, the refreshers stood still an hour ago. */
const YESTERDAY = Date.now() - 24 * 3600_000;
const ID = `${new Date(Date.now() - 3600_000).toISOString().slice(0, 16)}Z`;
let front: Front;
let store: Store;
let environment: Record<string, string>;

beforeAll(async () => {
  front = await startFront();
  const tables = await createTables(front.client, 'restore');
  store = createDynamoStore({ client: front.client, tables });
  const { protocol, hostname, port } = (await front.client.config.endpoint?.()) ?? {};
  environment = {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL: `${protocol}//${hostname}:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    GK_TABLE_GRANTS: tables.grants,
    GK_TABLE_CONNECTIONS: tables.connections,
    GK_TABLE_AUDIT: tables.audit,
  };
  const attempt = {
    number: 7,
    id: 'a7',
    kind: 'refresh',
    startedAt: YESTERDAY,
    until: YESTERDAY,
    outcome: 'OK',
  } as const;
  const access = { ...quickbooksGrant().access, obtainedAt: YESTERDAY };
  for (const id of ['1', '2', '3']) {
    const pk = `quickbooks#${id}` as const;
    const grant = quickbooksGrant({
      pk,
      subject: id,
      attempt,
      access,
      lastRefreshedAt: YESTERDAY,
      orgs: new Set([`org-${id}`]),
    });
    await put({ table: 'grants', key: { pk }, when: [], op: 'put', item: grant as GrantFields });
    if (id === '3') continue;
    const key = { pk: `ORG#org-${id}`, sk: 'quickbooks' } as const;
    const item = quickbooksConnection({ ...key, organizationId: `org-${id}`, grant: pk, tenantId: id });
    await put({ table: 'connections', key, when: [], op: 'put', item });
  }
  const at = YESTERDAY + 3600_000;
  const known = { provider: 'quickbooks', at, startedAt: at, id: 'a8' } as const;
  await put(appendAudit(auditRow({ ...known, pk: 'GRANT#quickbooks#2', event: 'attempt.ok', number: 8 })));
});
afterAll(() => front.stop());

let puts = 0;
async function put(write: Write): Promise<void> {
  await store.commit({ token: `given-${++puts}`, writes: [write] });
}

/** What the command prints, as a process of its own. */
async function ops(...words: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, 'restore', '--env', 'dev', ...words], {
    env: environment,
    stdio: 'pipe',
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.err += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { ...text, exitCode };
}

test('a restore is tried, done, and found done', async () => {
  const tried = await ops('--id', ID, '--dry-run', '--json');
  expect([JSON.parse(tried.out), tried.err, tried.exitCode]).toEqual([
    {
      restore: ID,
      environment: 'dev',
      dryRun: true,
      grants: 3,
      found: { current: 2, behind: 1, ended: 0, reauthorized: 0 },
      done: 0,
      disconnected: 0,
      problems: [{ grant: 'quickbooks#3', problem: 'unlinked' }],
    },
    '',
    1,
  ]);
  expect((await store.readGrant('quickbooks#2'))?.status).toBe('active');

  const written = await ops('--id', ID);
  expect(written).toEqual({
    out: `restore ${ID} of dev
grants             3  looked at
current            2  nothing has happened to them since
behind             1  refreshed since: suspect, and tried as soon as the sweep runs
ended              0  closed since: closing again
reauthorized       0  closed then and authorised again since; those tokens are gone: their organisations have to connect again
done               0  by an earlier run of this restore
disconnected       0  connections that had been disconnected since
problems           1  see below
quickbooks#3  unlinked: it serves an organisation that has no connection: was the connections table restored too?
`,
    err: '',
    exitCode: 1,
  });
  expect(await store.readGrant('quickbooks#2')).toMatchObject({ status: 'suspect', number: 1_000_008 });
  expect(await store.readProvider('quickbooks')).toMatchObject({ circuitVersion: 1 });

  const again = await ops('--id', ID, '--json');
  expect([JSON.parse(again.out), again.exitCode]).toEqual([
    expect.objectContaining({ grants: 3, done: 3, problems: [] }),
    0,
  ]);
});

test.for([
  ['2026-01-01T00:00Z', '--id 2026-01-01T00:00Z is not of the last seven days; npm run ops -- help tells how\n'],
  ['2126-01-01T00:00Z', '--id 2126-01-01T00:00Z is not of the last seven days; npm run ops -- help tells how\n'],
  [
    'yesterday',
    'restore needs --id: when the refreshers had been stopped, as 2026-11-20T14:30Z, and -NAME if you like; npm run ops -- help tells how\n',
  ],
] as const)('the id %s is refused', async ([id, err]) => {
  expect(await ops('--id', id)).toEqual({ out: '', err, exitCode: 1 });
});
