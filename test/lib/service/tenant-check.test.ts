import { expect, test } from 'vitest';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok } from '../../support/refresh-world.ts';

const XERO = 'xero#user-1';
const QUICKBOOKS = 'quickbooks#9341453';
const LISTED = {
  kind: 'listed',
  tenants: [
    { tenantId: 't1', providerConnectionId: 'c1' },
    { tenantId: 't2', providerConnectionId: 'c2' },
  ],
} as const;

test('a company the provider no longer lists is lost; an answer that does not settle it changes nothing', async () => {
  const world = createRefreshWorld();
  await world.given({ tenantCheckAt: T0 });
  await world.givenConnection(quickbooksConnection());
  world.script.list = [
    { kind: 'unknown', reason: 'http_503' },
    { kind: 'listed', tenants: [] },
  ];
  const ask = () => refreshGrant(world.ports, { grant: QUICKBOOKS, trigger: 'tenant' }, world.clock.now() + 80_000);
  expect(await ask()).toEqual({ outcome: 'unknown' });
  expect((await world.store.readConnection('acme', 'quickbooks'))?.status).toBe('connected');
  await world.clock.advance(MINUTE);
  expect(await ask()).toEqual({ outcome: 'checked' });
  expect((await world.store.readConnection('acme', 'quickbooks'))?.status).toBe('tenant_lost');
  expect(world.sent).toEqual([
    { what: 'list', token: 'access-7 9341453' },
    { what: 'list', token: 'access-7 9341453' },
  ]);
});

test('a look at the companies waits for a live token', async () => {
  const world = createRefreshWorld();
  await world.given({
    tenantCheckAt: T0,
    access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
  });
  await world.givenConnection(quickbooksConnection());
  world.script.refresh = [ok('access-8', 'refresh-8')];
  world.script.list = [{ kind: 'listed', tenants: [{ tenantId: '9341453' }] }];
  expect(await performDue(world.ports, QUICKBOOKS, T0 + 80_000)).toEqual({ outcome: 'checked' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'access-8 9341453']);
});

test('one listing of a user’s companies serves all of them', async () => {
  const world = createRefreshWorld();
  await world.given({ tenantCheckAt: T0, orgs: new Set(['acme', 'globex']) }, xeroGrant());
  const xero = { sk: 'xero', provider: 'xero', grant: XERO } as const;
  await world.givenConnection(quickbooksConnection({ ...xero, tenantId: 't1' }));
  await world.givenConnection(
    quickbooksConnection({ ...xero, pk: 'ORG#globex', organizationId: 'globex', tenantId: 't3' }),
  );
  world.script.list = [LISTED];
  expect(await performDue(world.ports, XERO, T0 + 80_000)).toEqual({ outcome: 'checked' });
  expect((await world.store.readConnection('acme', 'xero'))?.status).toBe('connected');
  expect((await world.store.readConnection('globex', 'xero'))?.status).toBe('tenant_lost');
});

test('a look with a token that never opens is put off, not tried every minute', async () => {
  const world = createRefreshWorld();
  await world.given({ tenantCheckAt: T0 });
  world.cipher.failNext({ operation: 'open', code: 'token_undecryptable' });
  expect(await performDue(world.ports, QUICKBOOKS, T0 + 80_000)).toEqual({ outcome: 'unknown' });
  expect((await world.grant())?.dueAt).toBeGreaterThan(T0 + HOUR);
});
