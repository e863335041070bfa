import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import {
  decideRepair,
  decideTenantSeen,
  decideTenantsChecked,
  decideTouch,
  decideWarn,
} from '../../../lib/domain/upkeep-decision.ts';
import type { Transaction } from '../../../lib/domain/write.ts';
import { apply } from '../../support/apply.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksConnection,
  quickbooksGrant,
  T0,
} from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

function must(transaction: Transaction | undefined): Transaction {
  if (transaction === undefined) throw new Error('a write was expected');
  return transaction;
}

test('the first use is noted and brings the due date forward', async () => {
  const grant = quickbooksGrant({ dueAt: T0 + 13 * DAY });
  const after = await apply(grant, must(decideTouch(grant, QUICKBOOKS_POLICY, T0 + MINUTE)));
  expect(after.grant).toEqual({ ...grant, lastUsedAt: T0 + MINUTE, dueAt: after.grant.dueAt });
  expect(after.grant.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
  expect(after.grant.dueAt).toBeLessThanOrEqual(T0 + 36 * MINUTE);
  expect(after.audit).toEqual([]);
});

test('a use never puts the due date off', async () => {
  const grant = quickbooksGrant({ dueAt: T0 + MINUTE });
  const after = await apply(grant, must(decideTouch(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.grant).toEqual({ ...grant, lastUsedAt: T0 });
});

const running = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;

test.for([
  ['was used within the hour', { lastUsedAt: T0 - HOUR + 1 }],
  ['is being refreshed', { attempt: running }],
  ['was given up', { status: 'needs_reauth' }],
] as const)('nothing is noted on a grant that %s', ([, changes]) => {
  expect(decideTouch(quickbooksGrant(changes), QUICKBOOKS_POLICY, T0)).toBeUndefined();
});

test.for([
  ['used by another', { lastUsedAt: T0 }],
  ['leased', { attempt: running }],
  ['authorised anew', { generation: 'gen-2' }],
  ['refreshed', { tokenVersion: 8 }],
  ['given up', { status: 'needs_reauth' }],
  ['made due by a disconnect', { dueAt: T0 }],
] as const)('a use decided before the grant was %s is not noted', async ([, meanwhile]) => {
  const transaction = must(decideTouch(quickbooksGrant(), QUICKBOOKS_POLICY, T0));
  const image = quickbooksGrant(meanwhile as never);
  expect(await apply(image, transaction)).toEqual({ committed: false, grant: image, audit: [] });
});

test('a grant due for nothing gets the date its records give', async () => {
  const grant = quickbooksGrant({ dueAt: T0, tenantCheckAt: T0 + 5 * MINUTE });
  const after = await apply(grant, must(decideRepair(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.grant).toEqual({ ...grant, dueAt: T0 + 5 * MINUTE });
});

test('a grant that lost its due date gets it back', async () => {
  const { dueAt: _d, duePartition: _p, ...grant } = quickbooksGrant({ tenantCheckAt: T0 + 5 * MINUTE });
  const after = await apply(grant, must(decideRepair(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.grant).toEqual({ ...grant, dueAt: T0 + 5 * MINUTE, duePartition: 'quickbooks#05' });
});

test('a due date that is right is left alone', () => {
  const grant = quickbooksGrant({ dueAt: T0 + 5 * MINUTE, tenantCheckAt: T0 + 5 * MINUTE });
  expect(decideRepair(grant, QUICKBOOKS_POLICY, T0)).toBeUndefined();
});

test('what is due already stays due since when it was', () => {
  const grant = quickbooksGrant({ status: 'suspect', dueAt: T0 - HOUR, duePartition: 'quickbooks#suspect#01' });
  expect(decideRepair(grant, QUICKBOOKS_POLICY, T0)).toBeUndefined();
});

test('a grant in the wrong partition is put where it is looked for', async () => {
  const grant = quickbooksGrant({ status: 'suspect', notBefore: T0 + MINUTE, dueAt: T0 + MINUTE });
  const after = await apply(grant, must(decideRepair(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.grant).toEqual({ ...grant, duePartition: 'quickbooks#suspect#01' });
});

/** Thirty days before its idle end, 29 before its hard one. */
const ending = quickbooksGrant({
  refreshExpiresAt: T0 + 30 * DAY,
  lastRefreshedAt: T0 - 70 * DAY,
  hardExpiresAt: T0 + 29 * DAY,
  warned: { hard: 90 },
  failure: { outcome: 'UNKNOWN', reason: 'http_503', at: T0, consecutive: 9 },
  notBefore: T0 + MINUTE,
});

test('warnings are noted with a row each, and the grant is due for what comes next', async () => {
  const decision = decideWarn(ending, QUICKBOOKS_POLICY, T0);
  expect(decision?.warnings).toEqual([
    { clock: 'idle', days: 30 },
    { clock: 'hard', days: 30 },
  ]);
  const after = await apply(ending, must(decision?.transaction));
  expect(after.grant).toEqual({ ...ending, warned: { idle: 30, hard: 30 }, dueAt: T0 + MINUTE });
  expect(after.audit.map(({ sk, reason }) => [sk, reason])).toEqual([
    ['2026-11-20T12:00:00.000Z#hard_30#grant.expiring', 'hard_30'],
    ['2026-11-20T12:00:00.000Z#idle_30#grant.expiring', 'idle_30'],
  ]);
  expect(decideWarn(after.grant as LivingGrant, QUICKBOOKS_POLICY, T0)).toBeUndefined();
});

test.for([
  ['was refreshed', { tokenVersion: 8 }],
  ['is being refreshed', { attempt: running }],
  ['was authorised anew', { generation: 'gen-2' }],
  ['was warned of by another', { dueAt: T0 + MINUTE }],
] as const)('no warning is given of a grant that meanwhile %s', async ([, meanwhile]) => {
  const image = { ...ending, ...meanwhile } as LivingGrant;
  const after = await apply(image, must(decideWarn(ending, QUICKBOOKS_POLICY, T0)?.transaction));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('a repair gives way to whoever is at work', async () => {
  const grant = quickbooksGrant({ dueAt: T0, tenantCheckAt: T0 + 5 * MINUTE });
  const image = quickbooksGrant({ dueAt: T0, attempt: running });
  const after = await apply(image, must(decideRepair(grant, QUICKBOOKS_POLICY, T0)));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('after a look at the companies the next one is a keep-alive away', async () => {
  const grant = quickbooksGrant({ lastUsedAt: T0, tenantCheckAt: T0 });
  const after = await apply(grant, must(decideTenantsChecked(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.grant).toMatchObject({ tenantCheckAt: T0 + 14 * DAY, tenantCheckedAt: T0 });
  expect(after.grant.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
});

test('a look at the companies does not put off a duty that came meanwhile', async () => {
  const grant = quickbooksGrant({ tenantCheckAt: T0 });
  const image = quickbooksGrant({ tenantCheckAt: T0, detach: { c1: { tenantId: 't1', since: T0 } }, dueAt: T0 });
  const after = await apply(image, must(decideTenantsChecked(grant, QUICKBOOKS_POLICY, T0)));
  expect(after.committed).toBe(false);
});

test('repairs decided at different times are different requests', () => {
  const grant = quickbooksGrant({ dueAt: T0, tenantCheckAt: T0 + 5 * MINUTE });
  const tokens = [T0, T0 + 1].map((now) => must(decideRepair(grant, QUICKBOOKS_POLICY, now)).token);
  expect(new Set(tokens).size).toBe(2);
});

async function seen(status: 'connected' | 'tenant_lost', listed: boolean, meanwhile: object = {}) {
  const connection = quickbooksConnection({ status });
  const store = createMemoryStore();
  const item = { ...connection, ...meanwhile };
  await store.commit({
    token: 'given',
    writes: [{ table: 'connections', key: { pk: item.pk, sk: item.sk }, when: [], op: 'put', item }],
  });
  const transaction = decideTenantSeen(connection, listed, T0);
  if (transaction !== undefined) await store.commit(transaction);
  return {
    connection: await store.readConnection('acme', 'quickbooks'),
    events: store.dump().audit.map(({ event }) => event),
  };
}

test('a company the provider no longer lists is lost, and found when it is listed again', async () => {
  expect(await seen('connected', false)).toEqual({
    connection: quickbooksConnection({ status: 'tenant_lost' }),
    events: ['connection.tenant_lost'],
  });
  expect(await seen('tenant_lost', true)).toEqual({
    connection: quickbooksConnection(),
    events: ['connection.tenant_found'],
  });
});

test('a company that is as it should be costs no write', async () => {
  expect(decideTenantSeen(quickbooksConnection(), true, T0)).toBeUndefined();
  expect(decideTenantSeen(quickbooksConnection({ status: 'disconnected' }), true, T0)).toBeUndefined();
});

test('a connection that was linked anew meanwhile is not lost', async () => {
  const relinked = { linkId: 'link-2' };
  expect(await seen('connected', false, relinked)).toEqual({ connection: quickbooksConnection(relinked), events: [] });
});
