import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Flow } from '../../lib/domain/flow.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../support/grants.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  world = await startOpsWorld();
  const connection = quickbooksConnection();
  const item = { v: 1, pk: 'f1', organizationId: 'acme', provider: 'quickbooks' } as Flow;
  await world.put(
    { table: 'connections', key: { pk: 'ORG#acme', sk: 'quickbooks' }, when: [], op: 'put', item: connection },
    { table: 'grants', key: { pk: 'quickbooks#9341453' }, when: [], op: 'put', item: quickbooksGrant() },
    { table: 'flows', key: { pk: 'f1' }, when: [], op: 'put', item },
  );
  await world.run('keys create --env dev --name A --scopes all --organizations acme');
});
afterEach(() => world.stop());

const STAYS = `what stays: backups of the last 35 days (point-in-time recovery; after a restore erase again), function and access logs until
their retention ends, events that subscribers were sent, and authorisations that other organisations use too, unnamed
`;
const SURVEY = `connections        1  1 of them to be ended
own grants         1  authorisations nobody else uses: go with their audit once they are closed
shared grants      0  authorisations of others too: stay, their audit without its name
flows              1  connect flows of the last day
audit rows         0  of the organisation
keys ended         1  API keys for it alone
keys changed       0  API keys of others too, which lose it
`;

test('a dry run counts, and says what will stay', async () => {
  expect(await world.run('erase acme --env dev --dry-run')).toMatchObject({
    text: `${SURVEY}nothing was written\n${STAYS}`,
    told: { organization: 'acme', environment: 'dev', dryRun: true, connections: 1, ownGrants: ['quickbooks#9341453'] },
    exitCode: 0,
  });
  expect((await world.store.readConnection('acme', 'quickbooks'))?.status).toBe('connected');
});

test('it asks, waits for the sweep, and says what it still waits for', async () => {
  const { text, exitCode, said } = await world.run('erase acme --env dev --wait 10', 'dev');
  expect([exitCode, text]).toEqual([
    3,
    `${SURVEY}quickbooks#9341453  the provider has not yet revoked the authorisation
not complete: run erase acme --env dev again in some minutes
${STAYS}`,
  ]);
  const waiting = 'waiting for the sweep: revoke quickbooks#9341453';
  expect(said).toEqual([
    'This ends 1 connections of acme in dev and deletes what names it:',
    SURVEY.trimEnd(),
    'Type dev to go on: ',
    '1 connections ended',
    waiting,
    waiting,
  ]);
  expect(world.clock.now()).toBe(T0 + 10_000);
});

test('once the authorisation is closed, nothing names the organisation', async () => {
  await world.run('erase acme --env dev --wait 0 --yes');
  const { current: _, access: __, orgs: ___, attempt: ____, ...closed } = quickbooksGrant();
  const item = { ...closed, status: 'closed' } as never;
  await world.put({ table: 'grants', key: { pk: 'quickbooks#9341453' }, when: [], op: 'put', item });
  const { text, exitCode } = await world.run('erase acme --env dev --thorough --wait 0 --yes');
  expect([exitCode, text.split('\n').at(-4)]).toEqual([0, 'acme is erased from dev']);
  expect((await world.run('erase acme --env dev')).text).toBe('nothing names acme in dev\n');
});

test('without confirmation nothing is erased', async () => {
  expect(await world.refusal('erase acme --env dev', 'acme')).toMatchObject({ name: 'Refused' });
  expect((await world.run('erase acme --env dev --dry-run')).told).toMatchObject({ held: 1, endingKeys: 1, flows: 1 });
});
