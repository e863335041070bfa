import { expect, test } from 'vitest';
import { disconnect } from '../../../lib/service/disconnect.ts';
import { createConnectWorld } from '../../support/connect-world.ts';
import { heldToken, MINUTE, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';

const CLAIM = { v: 1, pk: 'CLAIM#quickbooks#9341453', sk: 'claim', organizationId: 'acme', linkId: 'link-1' } as const;
const QUICKBOOKS = { organizationId: 'acme', provider: 'quickbooks' } as const;
const XERO = { organizationId: 'acme', provider: 'xero' } as const;
const xeroConnection = quickbooksConnection({
  sk: 'xero',
  provider: 'xero',
  grant: 'xero#user-1',
  tenantId: 't-1',
  providerConnectionId: 'conn-1',
});

test.for(['connected', 'tenant_lost'] as const)(
  'a %s QuickBooks organisation: connection and claim go, the grant closes with its refresh tokens',
  async (status) => {
    const world = createConnectWorld();
    const grant = quickbooksGrant({ notBefore: T0 + MINUTE, held: { h: heldToken('h', 6, 'late', T0) } });
    const verdict = { reason: 'unknown', since: 1, probes: 1 } as const;
    const given = {
      ...grant,
      reauth: verdict,
      unansweredSince: 1,
      warned: { idle: 7 },
      status: 'needs_reauth',
    } as const;
    await world.seed(given, quickbooksConnection({ status }), CLAIM);
    const end = await disconnect(world.ports, { ...QUICKBOOKS, actor: 'key-1', correlationId: 'c-1' });
    expect(end).toBe('done');
    const { grants, connections, audit } = world.store.dump();
    const { orgs: _o, access: _a, notBefore: _n, ...kept } = grant;
    expect(grants).toEqual([
      {
        ...kept,
        status: 'closing',
        generation: '01KAFZ00000000000000000002',
        duePartition: 'quickbooks#05',
        dueAt: T0,
      },
    ]);
    expect(connections).toEqual([
      { ...quickbooksConnection(), status: 'disconnected', version: 2, disconnectedAt: T0 },
    ]);
    expect(audit.map(({ pk, event, actor }) => [pk, event, actor])).toEqual([
      ['GRANT#quickbooks#9341453', 'grant.closing', undefined],
      ['ORG#acme', 'connection.disconnected', 'key-1'],
    ]);
    expect(world.refreshCalls).toEqual([{ grant: 'quickbooks#9341453', trigger: 'duty', correlationId: 'c-1' }]);
  },
);

test('a Xero organisation leaves the grant it shares; only its own company is to be detached', async () => {
  const world = createConnectWorld();
  const { attempt: _, ...free } = xeroGrant({ orgs: new Set(['acme', 'beta']) });
  await world.seed(free, xeroConnection);
  await disconnect(world.ports, XERO);
  expect(world.store.dump().grants).toEqual([
    {
      ...free,
      orgs: new Set(['beta']),
      detach: { 'conn-1': { tenantId: 't-1', since: T0 } },
      dueAt: T0,
      duePartition: 'xero#03',
    },
  ]);
  expect(world.refreshCalls).toEqual([{ grant: 'xero#user-1', trigger: 'duty' }]);
});

test('the last organisation of a Xero grant leaves it serving nobody, with its generation', async () => {
  const world = createConnectWorld();
  await world.seed(xeroGrant(), xeroConnection);
  await disconnect(world.ports, XERO);
  const grant = await world.store.readGrant('xero#user-1');
  expect(grant).toMatchObject({ status: 'active', generation: 'gen-1', unservedSince: T0 });
  expect(grant).not.toHaveProperty('orgs');
});

test("a claim that is another link's stays", async () => {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection(), { ...CLAIM, organizationId: 'beta', linkId: 'link-9' });
  expect(await disconnect(world.ports, QUICKBOOKS)).toBe('done');
  expect(await world.store.readClaim('quickbooks', '9341453')).toMatchObject({ organizationId: 'beta' });
});

test('a grant that is closed already is left alone', async () => {
  const world = createConnectWorld();
  const { orgs: _o, access: _a, current: _c, ...base } = quickbooksGrant();
  const closed = { ...base, status: 'closed' } as const;
  await world.seed(closed, quickbooksConnection());
  expect(await disconnect(world.ports, QUICKBOOKS)).toBe('done');
  expect(world.store.dump().grants).toEqual([closed]);
});

test('disconnecting again changes nothing', async () => {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection(), CLAIM);
  await disconnect(world.ports, QUICKBOOKS);
  const before = world.store.dump();
  expect(await disconnect(world.ports, QUICKBOOKS)).toBe('already');
  expect(world.store.dump()).toEqual(before);
  expect(world.refreshCalls).toHaveLength(1);
});

test('an organisation that never connected is told so', async () => {
  const { ports } = createConnectWorld();
  await expect(disconnect(ports, QUICKBOOKS)).rejects.toMatchObject({ code: 'not_connected' });
});

test('of parallel disconnects one writes', async () => {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection(), CLAIM);
  const ends = await Promise.all([1, 2, 3].map(() => disconnect(world.ports, QUICKBOOKS)));
  expect(ends.toSorted()).toEqual(['already', 'already', 'done']);
  expect(await world.store.readConnection('acme', 'quickbooks')).toMatchObject({ version: 2 });
});

test('a lease taken meanwhile is seen: the grant is due when it ends', async () => {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection());
  const attempt = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
  let raced = false;
  world.store.onCommit({
    async before({ writes }) {
      if (raced || writes[0]?.table !== 'connections') return;
      raced = true;
      await world.seed(quickbooksGrant({ number: 8, attempt, dueAt: T0 + 125_000 }));
    },
  });
  expect(await disconnect(world.ports, QUICKBOOKS)).toBe('done');
  expect(await world.store.readGrant('quickbooks#9341453')).toMatchObject({
    status: 'closing',
    attempt,
    dueAt: T0 + 125_000,
  });
});

test('a refresher that cannot be reached does not undo it', async () => {
  const world = createConnectWorld();
  world.behaviour.refresh = 'unreachable';
  await world.seed(quickbooksGrant(), quickbooksConnection());
  expect(await disconnect(world.ports, QUICKBOOKS)).toBe('done');
  expect(world.log.at(-1)).toContain('"level":"warn"');
});

test('a store that never answers is told as unavailable, with nothing changed', async () => {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection());
  const before = world.store.dump();
  world.store.failNext({ when: 'before', times: 1_000 });
  await expect(disconnect(world.ports, QUICKBOOKS)).rejects.toMatchObject({ code: 'unavailable' });
  expect(world.store.dump()).toEqual(before);
});
