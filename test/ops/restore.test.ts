import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditRow } from '../../lib/domain/audit.ts';
import type { GrantFields } from '../../lib/domain/grant.ts';
import { appendAudit } from '../../lib/domain/write.ts';
import { DAY, HOUR, quickbooksConnection, quickbooksGrant, T0 } from '../support/grants.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

/** The table is of yesterday, the refreshers stood still an hour ago. */
const YESTERDAY = T0 - DAY;
const LINE = 'restore --env dev --id 2026-11-20T11:00Z';
let world: OpsWorld;

beforeAll(async () => {
  world = await startOpsWorld();
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
    const orgs = new Set([`org-${id}`]);
    const grant = quickbooksGrant({ pk, subject: id, attempt, access, lastRefreshedAt: YESTERDAY, orgs });
    await world.put({ table: 'grants', key: { pk }, when: [], op: 'put', item: grant as GrantFields });
    if (id === '3') continue;
    const key = { pk: `ORG#org-${id}`, sk: 'quickbooks' } as const;
    const item = quickbooksConnection({ ...key, organizationId: `org-${id}`, grant: pk, tenantId: id });
    await world.put({ table: 'connections', key, when: [], op: 'put', item });
  }
  const at = YESTERDAY + HOUR;
  const known = { provider: 'quickbooks', at, startedAt: at, id: 'a8' } as const;
  await world.put(appendAudit(auditRow({ ...known, pk: 'GRANT#quickbooks#2', event: 'attempt.ok', number: 8 })));
});
afterAll(() => world.stop());

test('a restore is tried, refused while refreshers may run, done, and found done', async () => {
  expect(await world.run(`${LINE} --dry-run`)).toMatchObject({
    told: {
      restore: '2026-11-20T11:00Z',
      environment: 'dev',
      dryRun: true,
      grants: 3,
      found: { current: 2, behind: 1, ended: 0, reauthorized: 0 },
      done: 0,
      disconnected: 0,
      problems: [{ grant: 'quickbooks#3', problem: 'unlinked' }],
    },
    exitCode: 3,
  });
  await world.run('pause --env dev --yes');
  await world.run('resume --env dev --only rescue');
  expect(await world.refusal(`${LINE} --yes`)).toMatchObject({
    name: 'Refused',
    message: 'rescue of dev may run: npm run ops -- pause --env dev, wait four minutes, then restore',
  });
  expect((await world.store.readGrant('quickbooks#2'))?.status).toBe('active');

  await world.run('pause --env dev --yes');
  expect(await world.run(LINE, 'dev')).toMatchObject({
    text: `restore 2026-11-20T11:00Z of dev
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
    exitCode: 3,
    said: ['This writes to all grants (not counted yet) of dev, in dev-grants.', 'Type dev to go on: '],
  });
  expect(await world.store.readGrant('quickbooks#2')).toMatchObject({ status: 'suspect', number: 1_000_008 });
  expect(await world.store.readProvider('quickbooks')).toMatchObject({ circuitVersion: 1 });

  const again = await world.run(`${LINE} --yes`);
  expect(again).toMatchObject({ told: { grants: 3, done: 3, problems: [] }, exitCode: 0 });
});

test('tables that variables name are restored in the place of the environment’s own', async () => {
  Object.assign(world.variables, {
    GK_TABLE_GRANTS: world.tables.flows,
    GK_TABLE_CONNECTIONS: world.tables.connections,
    GK_TABLE_AUDIT: world.tables.audit,
  });
  expect((await world.run(`${LINE} --dry-run`)).told).toMatchObject({ grants: 0 });
  for (const name of Object.keys(world.variables)) delete world.variables[name];
});

test.for(['2026-01-01T00:00Z', '2126-01-01T00:00Z'])('the id %s is not one of this restore', async (id) => {
  expect(await world.refusal(`restore --env dev --id ${id} --yes`)).toMatchObject({
    name: 'Refused',
    message: `--id ${id} is not of the last seven days`,
  });
});
