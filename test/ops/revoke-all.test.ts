import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimKey } from '../../lib/domain/connection.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { quickbooksConnection, quickbooksGrant, xeroGrant } from '../support/grants.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  world = await startOpsWorld();
  await connect('acme', 'quickbooks');
  await connect('birch', 'quickbooks', 'tenant_lost');
  await connect('cedar', 'quickbooks', 'disconnected');
  await connect('acme', 'xero');
});
afterEach(() => world.stop());

async function connect(
  id: string,
  provider: ProviderId,
  status: 'connected' | 'tenant_lost' | 'disconnected' = 'connected',
) {
  const grant = `${provider}#${id}` as const;
  const key = { pk: `ORG#${id}`, sk: provider } as const;
  const link = { organizationId: id, linkId: `link-${id}` };
  const connection = quickbooksConnection({
    ...key,
    ...link,
    provider,
    status,
    grant,
    tenantId: id,
    providerConnectionId: 'c',
  });
  const made = provider === 'xero' ? xeroGrant : quickbooksGrant;
  const claim = claimKey(provider, id);
  await world.put(
    { table: 'connections', key, when: [], op: 'put', item: connection },
    { table: 'connections', key: claim, when: [], op: 'put', item: { v: 1, ...claim, ...link } },
    {
      table: 'grants',
      key: { pk: grant },
      when: [],
      op: 'put',
      item: made({ pk: grant, subject: id, orgs: new Set([id]) }),
    },
  );
}

const statusOf = async (id: string, provider: ProviderId) => (await world.store.readConnection(id, provider))?.status;

test('a dry run counts what is still held, by provider, and writes nothing', async () => {
  expect(await world.run('revoke-all --provider quickbooks --env dev --dry-run')).toEqual({
    text: '2 connections of quickbooks in dev (quickbooks 2, xero 0) would be ended; nothing was written\n',
    told: {
      environment: 'dev',
      provider: 'quickbooks',
      dryRun: true,
      connections: 2,
      byProvider: { quickbooks: 2, xero: 0 },
    },
    exitCode: 0,
    said: [],
  });
  expect((await world.run('revoke-all --organisation acme --env dev --dry-run')).text).toBe(
    '2 connections of acme in dev (quickbooks 1, xero 1) would be ended; nothing was written\n',
  );
  expect(await statusOf('acme', 'quickbooks')).toBe('connected');
});

test('it asks with the number of connections, ends them, and tells subscribers', async () => {
  expect(await world.run('revoke-all --provider quickbooks --env dev', 'dev')).toEqual({
    text: `2 connections of quickbooks in dev ended; nothing is served for them any more
the sweep tells the providers; explain shows how far it is with one of them
`,
    told: {
      environment: 'dev',
      provider: 'quickbooks',
      dryRun: false,
      ended: 2,
      already: 0,
      failed: [],
      stopped: false,
      warnings: [],
    },
    exitCode: 0,
    said: [
      'This ends 2 connections of quickbooks in dev (quickbooks 2, xero 0).',
      'Their users have to connect again. There is no way back.',
      'Type dev to go on: ',
      '2 of 2 ended',
    ],
  });
  const states = ['acme', 'birch', 'cedar'].map((id) => statusOf(id, 'quickbooks'));
  expect(await Promise.all([...states, statusOf('acme', 'xero')])).toEqual([
    'disconnected',
    'disconnected',
    'disconnected',
    'connected',
  ]);
  expect(world.aws.eventBridge.events().map(({ detailType }) => detailType)).toHaveLength(2);
  expect((await world.run('revoke-all --provider quickbooks --env dev --yes')).text).toBe(
    '0 connections of quickbooks in dev ended; nothing is served for them any more\n',
  );
});

test('an organisation’s connections are ended at every provider; a paused sweep is said', async () => {
  await world.run('pause --env dev --yes');
  const warning = 'refresh-due is paused: the providers are told only after npm run ops -- resume --env dev';
  expect(await world.run('revoke-all --organisation acme --env dev --yes')).toMatchObject({
    text: expect.stringContaining(`\n${warning}\n`),
    told: { organizationId: 'acme', ended: 2, warnings: [warning] },
  });
});

test('what fails is named, the exit code says that it is not all, and another run ends the rest', async () => {
  world.aws.dynamoDb.failNext({
    operation: 'TransactWriteItems',
    code: 'InternalServerError',
    times: Number.POSITIVE_INFINITY,
    matches: (input) => JSON.stringify(input).includes('ORG#birch'),
  });
  const { text, exitCode } = await world.run('revoke-all --provider quickbooks --env dev --yes');
  expect([exitCode, text]).toEqual([
    3,
    expect.stringContaining(
      '\n1 could not be ended: run this again\nbirch quickbooks  A service we depend on did not answer.\n',
    ),
  ]);
  world.aws.dynamoDb.clearFaults();
  expect((await world.run('revoke-all --provider quickbooks --env dev --yes')).told).toMatchObject({ ended: 1 });
}, 60_000);

test('without confirmation nothing is ended', async () => {
  expect(await world.refusal('revoke-all --provider xero --env dev', 'xero')).toMatchObject({ name: 'Refused' });
  expect(await statusOf('acme', 'xero')).toBe('connected');
});
