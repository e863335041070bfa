import { expect, test } from 'vitest';
import { createConnectWorld, living, QB, quickbooksWorld, REALM } from '../../support/connect-world.ts';
import { quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';

test('a claim taken while the user was at the provider refuses the link', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: 'user-1', now: [{ tenantId: 't-1' }] };
  await world.seed({ v: 1, pk: 'CLAIM#xero#t-1', sk: 'claim', organizationId: 'beta', linkId: 'link-9' });
  expect((await world.connect('acme', 'xero')).url).toContain('error=company_taken');
  expect(await world.store.readConnection('acme', 'xero')).toBeUndefined();
});

test('a disconnect during the flow wins; the new tokens stay banked until the sweep closes them', async () => {
  const world = quickbooksWorld();
  await world.seed(quickbooksGrant(), quickbooksConnection());
  let disconnected = false;
  world.store.onCommit({
    async before({ writes }) {
      if (disconnected || writes[0]?.table !== 'connections') return;
      disconnected = true;
      await world.seed(quickbooksConnection({ status: 'disconnected', version: 2 }));
    },
  });
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=connection_changed');
  expect(await world.store.readConnection('acme', 'quickbooks')).toMatchObject({ status: 'disconnected', version: 2 });
  expect((await living(world, QB)).status).toBe('active');
});

test.for([
  ['another connection', 'conn-9', { 'conn-1': { tenantId: 't-1', since: T0 } }, T0],
  ['the same connection', 'conn-1', {}, T0 + 600_000],
] as const)(
  'a reconnect by another user moves the link (%s at the provider)',
  async ([, connectionId, detach, dueAt]) => {
    const world = createConnectWorld();
    await world.seed(
      xeroGrant(),
      quickbooksConnection({
        sk: 'xero',
        provider: 'xero',
        grant: 'xero#user-1',
        tenantId: 't-1',
        providerConnectionId: 'conn-1',
      }),
      { v: 1, pk: 'CLAIM#xero#t-1', sk: 'claim', organizationId: 'acme', linkId: 'link-1' },
    );
    const tenant = { tenantId: 't-1', providerConnectionId: connectionId };
    world.provider.state.authorised = { subject: 'user-2', now: [], before: [tenant] };
    expect((await world.connect('acme', 'xero')).url).toContain('connected=true');
    const old = await living(world, 'xero#user-1');
    expect(old).toMatchObject({ status: 'active', generation: 'gen-1', unservedSince: T0, dueAt });
    expect(old.detach).toEqual(detach);
    expect(old).not.toHaveProperty('orgs');
    expect((await living(world, 'xero#user-2')).orgs).toEqual(new Set(['acme']));
    expect(await world.store.readConnection('acme', 'xero')).toMatchObject({ grant: 'xero#user-2', version: 2 });
  },
);

test('a reconnect by a user who does not see the company is refused and the link stays', async () => {
  const world = createConnectWorld();
  const connection = quickbooksConnection({ sk: 'xero', provider: 'xero', grant: 'xero#user-1', tenantId: 't-1' });
  await world.seed(xeroGrant(), connection);
  world.provider.state.authorised = { subject: 'user-2', now: [{ tenantId: 't-2' }] };
  expect((await world.connect('acme', 'xero')).url).toContain('error=company_mismatch');
  expect(await world.store.readConnection('acme', 'xero')).toEqual(connection);
  expect(await living(world, 'xero#user-1')).toEqual(xeroGrant());
});

test('linking a company again cancels its pending detach', async () => {
  const world = createConnectWorld();
  const kept = { tenantId: 't-2', since: T0 };
  await world.seed(xeroGrant({ detach: { 'conn-1': { tenantId: 't-1', since: T0 }, 'conn-2': kept } }));
  world.provider.state.authorised = { subject: 'user-1', now: [{ tenantId: 't-1', providerConnectionId: 'conn-1' }] };
  await world.connect('beta', 'xero');
  expect((await living(world, 'xero#user-1')).detach).toEqual({ 'conn-2': kept });
});

test('a detach that is being sent is waited for before the link', async () => {
  const world = createConnectWorld();
  const attempt = { number: 8, id: 'attempt-8', kind: 'detach', startedAt: T0, until: T0 + 3_000 } as const;
  await world.seed(xeroGrant({ number: 8, attempt }));
  world.provider.state.authorised = { subject: 'user-1', now: [{ tenantId: 't-1' }] };
  await world.connect('beta', 'xero');
  expect(await world.store.readConnection('beta', 'xero')).toMatchObject({ connectedAt: T0 + 3_000 });
});

test('a detach that starts while the link is being decided is waited for too', async () => {
  const world = createConnectWorld();
  await world.seed(xeroGrant());
  world.provider.state.authorised = { subject: 'user-1', now: [{ tenantId: 't-1' }] };
  const { readFlow } = world.store;
  let started = false;
  world.store.readFlow = async (id) => {
    const flow = await readFlow(id);
    if (flow?.stage === 'exchanged' && !started) {
      started = true;
      const grant = await living(world, 'xero#user-1');
      const attempt = { number: 9, id: 'attempt-9', kind: 'detach', startedAt: T0, until: T0 + 3_000 } as const;
      await world.seed({ ...grant, number: 9, attempt });
    }
    return flow;
  };
  await world.connect('beta', 'xero');
  expect((await world.store.readConnection('beta', 'xero'))?.connectedAt).toBeGreaterThanOrEqual(T0 + 3_000);
});

test('a read that fails after the bank does not send the user back to the provider', async () => {
  const world = quickbooksWorld();
  world.store.onCommit({
    after({ writes }) {
      const [first] = writes;
      if (first?.table !== 'flows' || first.op !== 'update' || first.set?.stage !== 'exchanged') return;
      world.store.failNext({ when: 'before', operation: 'read', times: 3, matches: () => true });
    },
  });
  const { url } = await world.connect('acme', 'quickbooks', REALM);
  expect(url).toContain('connected=true');
});
