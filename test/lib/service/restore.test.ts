import { describe, expect, test } from 'vitest';
import { type AuditEvent, type AuditRow, auditRow } from '../../../lib/domain/audit.ts';
import { type Connection, claimKey } from '../../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { Grant, GrantFields } from '../../../lib/domain/grant.ts';
import type { Write } from '../../../lib/domain/write.ts';
import { createPolicies } from '../../../lib/service/policies.ts';
import { restore } from '../../../lib/service/restore.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { DAY, HOUR, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

/** The tables are as they were at T0; the operator began two days later. */
const RUN = { id: '2026-11-22T12:00Z', beganAt: T0 + 2 * DAY, dryRun: false };
const LATER = T0 + HOUR;
const NONE = { current: 0, behind: 0, ended: 0, reauthorized: 0 };

function createWorld() {
  const clock = createFakeClock({ startAt: T0 + 2 * DAY + HOUR, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  const ports = { store, clock, policies: createPolicies() };
  let puts = 0;
  const put = async (write: Write) => void (await store.commit({ token: `given-${++puts}`, writes: [write] }));
  const grant = (item: Grant) =>
    put({ table: 'grants', key: { pk: item.pk }, when: [], op: 'put', item: item as GrantFields });
  const row = (pk: AuditRow['pk'], event: AuditEvent, more: { number?: number; id?: string } = {}) => {
    const provider = pk.includes('xero') ? 'xero' : 'quickbooks';
    const item = auditRow({ pk, id: 'id', event, provider, at: LATER, startedAt: LATER, ...more });
    return put({ table: 'audit', key: { pk, sk: item.sk }, when: [], op: 'put', item });
  };
  const connection = async (item: Connection) => {
    const { pk, sk, provider, tenantId, organizationId, linkId } = item;
    await put({ table: 'connections', key: { pk, sk }, when: [], op: 'put', item });
    const key = claimKey(provider, tenantId);
    await put({ table: 'connections', key, when: [], op: 'put', item: { v: 1, ...key, organizationId, linkId } });
  };
  const commits: string[] = [];
  store.onCommit({
    after: ({ token }, { committed }) => void (token.startsWith('given') || commits.push(`${committed}`)),
  });
  return { clock, store, ports, grant, row, connection, commits };
}

type World = ReturnType<typeof createWorld>;

/** Four QuickBooks grants: untouched, refreshed since, disconnected since, and one that was closed then. */
async function fleet({ grant, row, connection }: World) {
  for (const [id, organizationId] of [
    ['1', 'acme'],
    ['2', 'beta'],
    ['3', 'gamma'],
  ] as const) {
    const pk = `quickbooks#${id}` as const;
    await grant(quickbooksGrant({ pk, subject: id, orgs: new Set([organizationId]) }));
    await connection(
      quickbooksConnection({
        pk: `ORG#${organizationId}`,
        organizationId,
        grant: pk,
        tenantId: id,
        linkId: `link-${id}`,
      }),
    );
  }
  const { access: _a, current: _c, orgs: _o, dueAt: _d, duePartition: _p, ...closed } = quickbooksGrant();
  await grant({ ...closed, pk: 'quickbooks#4', subject: '4', status: 'closed' });
  await row('GRANT#quickbooks#2', 'attempt.ok', { number: 19 });
  await row('GRANT#quickbooks#3', 'grant.closing');
  await row('ORG#gamma', 'connection.disconnected', { id: 'link-3' });
}

const statusOf = async ({ store }: World) => {
  const { grants } = await store.scanGrants({ share: 0, of: 1 });
  return Object.fromEntries(grants.map(({ pk, status, number }) => [pk, `${status} ${number}`]));
};

test('a restored fleet is brought up to date, and the rest of the world with it', async () => {
  const world = createWorld();
  await fleet(world);
  expect(await restore(world.ports, RUN)).toEqual({
    grants: 4,
    found: { current: 2, behind: 1, ended: 1, reauthorized: 0 },
    done: 0,
    disconnected: 1,
    problems: [],
  });
  expect(await statusOf(world)).toEqual({
    'quickbooks#1': 'active 1000007',
    'quickbooks#2': 'suspect 1000019',
    'quickbooks#3': 'closing 1000007',
    'quickbooks#4': 'closed 1000007',
  });
  expect(await world.store.readConnection('gamma', 'quickbooks')).toMatchObject({ status: 'disconnected', version: 2 });
  expect(await world.store.readClaim('quickbooks', '3')).toBeUndefined();
  expect(await world.store.readConnection('beta', 'quickbooks')).toMatchObject({ status: 'connected', version: 1 });
  expect(await world.store.readProvider('quickbooks')).toMatchObject({
    circuitVersion: 1,
    closedAt: world.clock.now(),
  });
  expect(await world.store.readProvider('xero')).toBeUndefined();
  const third = await world.store.readGrant('quickbooks#3');
  expect(third).toMatchObject({ generation: expect.stringMatching(/^01M8/), dueAt: expect.any(Number) });
  expect(third).not.toHaveProperty('access');
});

test('a connection ends with its grant, whoever ended that', async () => {
  const world = createWorld();
  await world.grant(quickbooksGrant());
  await world.connection(quickbooksConnection());
  await world.row('GRANT#quickbooks#9341453', 'grant.closed');
  expect(await restore(world.ports, RUN)).toMatchObject({
    found: { ...NONE, ended: 1 },
    disconnected: 1,
    problems: [],
  });
  expect(await world.store.readConnection('acme', 'quickbooks')).toMatchObject({ status: 'disconnected' });
  expect(await statusOf(world)).toEqual({ 'quickbooks#9341453': 'closing 1000007' });
});

test('a second run of the same restore writes nothing', async () => {
  const world = createWorld();
  await fleet(world);
  await restore(world.ports, RUN);
  const [before, wrote] = [world.store.dump(), world.commits.length];
  expect(await restore(world.ports, RUN)).toEqual({ grants: 4, found: NONE, done: 4, disconnected: 0, problems: [] });
  expect(world.store.dump()).toEqual(before);
  expect(world.commits.length).toBe(wrote);
});

test('another restore raises the numbers beyond those of the first, which its table does not know', async () => {
  const world = createWorld();
  await fleet(world);
  await restore(world.ports, RUN);
  await world.grant(quickbooksGrant({ pk: 'quickbooks#1', subject: '1' }));
  const second = { ...RUN, id: '2026-11-22T13:30Z', beganAt: RUN.beganAt + 90 * 60_000 };
  await world.clock.advance(HOUR);
  await restore(world.ports, second);
  expect((await statusOf(world))['quickbooks#1']).toBe('active 2000007');
});

test('a dry run tells the same and writes nothing', async () => {
  const world = createWorld();
  await fleet(world);
  const before = world.store.dump();
  expect(await restore(world.ports, { ...RUN, dryRun: true })).toMatchObject({
    found: { current: 2, behind: 1, ended: 1, reauthorized: 0 },
    disconnected: 1,
    problems: [],
  });
  expect(world.store.dump()).toEqual(before);
});

test('a Xero organisation that has disconnected since is disconnected again, and the others stay', async () => {
  const world = createWorld();
  await world.grant(xeroGrant({ orgs: new Set(['acme', 'beta']) }));
  for (const organizationId of ['acme', 'beta']) {
    await world.connection(
      quickbooksConnection({
        pk: `ORG#${organizationId}`,
        sk: 'xero',
        provider: 'xero',
        organizationId,
        grant: 'xero#user-1',
        tenantId: `t-${organizationId}`,
        providerConnectionId: `conn-${organizationId}`,
        linkId: `xero-${organizationId}`,
      }),
    );
  }
  await world.row('ORG#acme', 'connection.disconnected', { id: 'xero-acme' });
  // auditRow of ORG# rows names QuickBooks unless told: another system's disconnect is not this one's.
  expect((await restore(world.ports, RUN)).disconnected).toBe(0);
  const xero = auditRow({
    pk: 'ORG#beta',
    id: 'xero-beta',
    event: 'connection.disconnected',
    provider: 'xero',
    at: LATER,
    startedAt: LATER,
  });
  await world.store.commit({
    token: 'given-x',
    writes: [{ table: 'audit', key: { pk: xero.pk, sk: xero.sk }, when: [], op: 'put', item: xero }],
  });
  expect((await restore(world.ports, { ...RUN, id: '2026-11-22T12:01Z' })).disconnected).toBe(1);
  expect(await world.store.readGrant('xero#user-1')).toMatchObject({
    status: 'active',
    orgs: new Set(['acme']),
    detach: { 'conn-beta': { tenantId: 't-beta' } },
    number: 2_000_007,
  });
  expect(await world.store.readConnection('beta', 'xero')).toMatchObject({ status: 'disconnected' });
  expect(await world.store.readConnection('acme', 'xero')).toMatchObject({ status: 'connected' });
});

describe('what stands in the way is told', () => {
  test('of refreshers that are at work', async () => {
    const world = createWorld();
    const attempt = { number: 8, id: 'a8', kind: 'refresh', startedAt: RUN.beganAt - 60_000 } as const;
    await world.grant(quickbooksGrant({ attempt: { ...attempt, until: world.clock.now() + 60_000 }, number: 8 }));
    const report = await restore(world.ports, RUN);
    expect(report.problems).toEqual([{ grant: 'quickbooks#9341453', problem: 'working' }]);
    expect(await world.store.readProvider('quickbooks')).toBeUndefined();
    expect(world.commits).toEqual([]);
  });

  test('of somebody who changes the grant each time', async () => {
    const world = createWorld();
    await world.grant(quickbooksGrant());
    let dueAt = T0;
    world.store.onCommit({
      async before({ token }) {
        if (token.startsWith('given')) return;
        dueAt += 1;
        await world.grant(quickbooksGrant({ dueAt }));
      },
    });
    expect((await restore(world.ports, RUN)).problems).toEqual([{ grant: 'quickbooks#9341453', problem: 'changing' }]);
  });

  test('of an organisation without a connection, whose grant is kept for it', async () => {
    const world = createWorld();
    await world.grant(quickbooksGrant());
    const report = await restore(world.ports, RUN);
    expect([report.found.current, report.problems]).toEqual([
      1,
      [{ grant: 'quickbooks#9341453', problem: 'unlinked' }],
    ]);
    expect(await world.store.readGrant('quickbooks#9341453')).toMatchObject({
      orgs: new Set(['acme']),
      status: 'active',
    });
  });

  test('of a store that does not answer for one grant, and the next run goes on where it stopped', async () => {
    const world = createWorld();
    await fleet(world);
    world.store.failNext({
      when: 'before',
      times: 6,
      matches: ({ writes }) => writes.some(({ key, table }) => table === 'grants' && key.pk === 'quickbooks#3'),
    });
    const first = await restore(world.ports, RUN);
    expect(first).toMatchObject({ problems: [{ grant: 'quickbooks#3', problem: 'unavailable' }], disconnected: 0 });
    const second = await restore(world.ports, RUN);
    expect(second).toMatchObject({ done: 3, found: { ...NONE, ended: 1 }, disconnected: 1, problems: [] });
    expect((await statusOf(world))['quickbooks#3']).toBe('closing 1000007');
  });

  test('of a table that cannot be read to its end', async () => {
    const world = createWorld();
    world.store.failNext({ when: 'before', operation: 'read', times: 6 });
    await expect(restore(world.ports, RUN)).rejects.toEqual(new GrantkeeperError('unavailable'));
  });
});

test('a run that stopped between the disconnect and the rest is completed by the next', async () => {
  const world = createWorld();
  await fleet(world);
  let ofThird = 0;
  world.store.failNext({
    when: 'before',
    times: 6,
    matches: ({ writes }) => {
      const isThird = writes.some(({ key, table }) => table === 'grants' && key.pk === 'quickbooks#3');
      return isThird && ++ofThird > 1;
    },
  });
  expect(await restore(world.ports, RUN)).toMatchObject({ disconnected: 1, problems: [{ problem: 'unavailable' }] });
  expect((await statusOf(world))['quickbooks#3']).toBe('closing 7');
  expect(await restore(world.ports, RUN)).toMatchObject({ done: 3, disconnected: 0, problems: [] });
  expect((await statusOf(world))['quickbooks#3']).toBe('closing 1000007');
});

test('an answer of the store that was lost is asked for again and not written twice', async () => {
  const world = createWorld();
  await fleet(world);
  world.store.failNext({ when: 'after', times: 5 });
  expect(await restore(world.ports, RUN)).toMatchObject({ grants: 4, problems: [] });
  expect((await statusOf(world))['quickbooks#1']).toBe('active 1000007');
});
