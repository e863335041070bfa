import { expect, test } from 'vitest';
import { readStatus } from '../../../lib/service/read-status.ts';
import { createConnectWorld } from '../../support/connect-world.ts';
import { DAY, HOUR, quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

const ACME = { organizationId: 'acme', provider: 'quickbooks' } as const;
const COMPANY = { tenantId: '9341453', name: 'Acme Books' };
const ENDS = { refreshExpiresAt: T0 + 100 * DAY, hardExpiresAt: T0 + 1_000 * DAY };

test('a healthy connection', async () => {
  const { ports, seed } = createConnectWorld();
  await seed(quickbooksGrant(ENDS), quickbooksConnection());
  expect(await readStatus(ports, ACME)).toEqual({
    connected: true,
    company: COMPANY,
    accessExpiresAt: T0 + HOUR,
    isExpired: false,
    health: 'healthy',
    needsReauth: false,
    reconnectBy: T0 + 100 * DAY,
  });
});

test('an expired access token is no reason to reconnect; the hard end of the authorisation is', async () => {
  const { ports, seed, clock } = createConnectWorld();
  await seed(quickbooksGrant({ ...ENDS, hardExpiresAt: T0 + 20 * DAY }), quickbooksConnection());
  await clock.advance(HOUR);
  expect(await readStatus(ports, ACME)).toMatchObject({
    isExpired: true,
    health: 'expiring',
    needsReauth: false,
    reconnectBy: T0 + 20 * DAY,
  });
});

test.for([
  ['needs_reauth', 'connected', true],
  ['active', 'tenant_lost', false],
] as const)(
  'only the user can repair a grant that is %s with a connection that is %s',
  async ([grant, status, connected]) => {
    const { ports, seed } = createConnectWorld();
    await seed(quickbooksGrant({ status: grant }), quickbooksConnection({ status }));
    expect(await readStatus(ports, ACME)).toMatchObject({ connected, company: COMPANY, needsReauth: true });
  },
);

test('a connection whose grant is closing has no token to speak of', async () => {
  const { ports, seed } = createConnectWorld();
  const { access: _a, orgs: _o, ...base } = quickbooksGrant();
  await seed({ ...base, status: 'closing' }, quickbooksConnection());
  expect(await readStatus(ports, ACME)).toEqual({
    connected: true,
    company: COMPANY,
    health: 'needs_reauth',
    needsReauth: true,
  });
});

test('not connected, and disconnected, are the same', async () => {
  const { ports, seed } = createConnectWorld();
  const nothing = { connected: false, health: 'disconnected', needsReauth: false };
  expect(await readStatus(ports, ACME)).toEqual(nothing);
  await seed(quickbooksGrant(), quickbooksConnection({ status: 'disconnected' }));
  expect(await readStatus(ports, ACME)).toEqual(nothing);
});
