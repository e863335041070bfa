import { beforeEach, expect, test, vi } from 'vitest';
import { createHandler as createDisconnect } from '../../functions/disconnect.ts';
import { createHandler as createStatus } from '../../functions/status.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { createConnectWorld } from '../support/connect-world.ts';
import { DAY, quickbooksConnection, quickbooksGrant, T0 } from '../support/grants.ts';
import { ACME_KEY, send } from './connect-api.ts';

captureOutput();

beforeEach(() => {
  vi.stubEnv('GK_PUBLIC_URL', 'https://gk.example/api');
});

const ACME = { parameters: { provider: 'quickbooks', organization_id: 'acme' }, authorizer: ACME_KEY };

async function connected() {
  const world = createConnectWorld();
  await world.seed(quickbooksGrant({ refreshExpiresAt: T0 + DAY }), quickbooksConnection());
  return { world, status: createStatus(() => world.ports), disconnect: createDisconnect(() => world.ports) };
}

test('status of a connected organisation, and after its disconnect', async () => {
  const { world, status, disconnect } = await connected();
  expect((await send(status, 'status', ACME)).body).toEqual({
    connected: true,
    accounting_system: 'quickbooks',
    realm_id: '9341453',
    company_name: 'Acme Books',
    expires_at: '2026-11-20T13:00:00.000Z',
    is_expired: false,
    health: 'healthy',
    needs_reauth: false,
    reconnect_by: '2026-11-21T12:00:00.000Z',
  });
  const done = await send(disconnect, 'disconnect', ACME);
  expect([done.status, done.body]).toEqual([200, { success: true, message: 'Disconnected from QuickBooks Online.' }]);
  expect(world.refreshCalls).toEqual([{ grant: 'quickbooks#9341453', trigger: 'duty', correlationId: 'request-1' }]);
  const again = await send(disconnect, 'disconnect', ACME);
  expect(again.body).toEqual({ success: true, message: 'Was already disconnected from QuickBooks Online.' });
  expect((await send(status, 'status', ACME)).body).toEqual({
    connected: false,
    accounting_system: 'quickbooks',
    realm_id: null,
    company_name: null,
    expires_at: null,
    is_expired: null,
    health: 'disconnected',
    needs_reauth: false,
    reconnect_by: null,
  });
});

test.for(['status', 'disconnect'] as const)(
  '%s of another organisation is as one that does not exist',
  async (route) => {
    const { world, ...handlers } = await connected();
    const other = { ...ACME, authorizer: { ...ACME_KEY, organizations: '["beta"]' } };
    const { status, body } = await send(handlers[route], route, other);
    expect([status, body.error.code]).toEqual([404, 'not_found']);
    expect(await world.store.readConnection('acme', 'quickbooks')).toMatchObject({ status: 'connected' });
  },
);

test('disconnect with a field in its body is refused and ends nothing', async () => {
  const { world, disconnect } = await connected();
  const headers = { 'content-type': 'application/json' };
  const asked = { ...ACME, headers, body: '{"tenant_id":"9341454"}' };
  const { status, body } = await send(disconnect, 'disconnect', asked);
  expect([status, body.error.code, body.error.field]).toEqual([400, 'invalid_request', 'tenant_id']);
  expect(await world.store.readConnection('acme', 'quickbooks')).toMatchObject({ status: 'connected' });
  expect((await send(disconnect, 'disconnect', { ...ACME, headers, body: '{}' })).status).toBe(200);
});

test.for([
  [{ provider: 'sage', organization_id: 'acme' }, 400, 'unknown_provider'],
  [{ provider: 'xero', organization_id: 'a b' }, 400, 'invalid_organization_id'],
  [{ provider: 'xero', organization_id: 'acme' }, 404, 'not_connected'],
] as const)('disconnect of %j is %i', async ([parameters, expected, code]) => {
  const { disconnect } = await connected();
  const { status, body } = await send(disconnect, 'disconnect', { ...ACME, parameters });
  expect([status, body.error.code]).toEqual([expected, code]);
});
