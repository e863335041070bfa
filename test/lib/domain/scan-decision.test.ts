import { expect, test } from 'vitest';
import { duePartition, type Grant, type LivingGrant } from '../../../lib/domain/grant.ts';
import { nextDue } from '../../../lib/domain/next-due.ts';
import { decideScanned } from '../../../lib/domain/scan-decision.ts';
import { HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

const NOW = T0 + MINUTE;
const RAW = quickbooksGrant({ lastUsedAt: T0 });
const DUE_AT = nextDue(RAW, QUICKBOOKS_POLICY, NOW) ?? 0;
/** As every write leaves it. */
const SOUND: LivingGrant = { ...RAW, dueAt: DUE_AT, duePartition: duePartition(RAW) };

async function repaired(grant: Grant, meanwhile: Grant = grant): Promise<Grant | undefined> {
  const store = createMemoryStore();
  const key = { pk: grant.pk };
  await store.commit({ token: 'given', writes: [{ table: 'grants', key, when: [], op: 'put', item: meanwhile }] });
  const transaction = decideScanned(grant, QUICKBOOKS_POLICY, NOW);
  if (transaction === undefined) return undefined;
  await store.commit(transaction);
  return await store.readGrant(grant.pk);
}

function without<K extends keyof LivingGrant>(...names: readonly K[]): Grant {
  return Object.fromEntries(Object.entries(SOUND).filter(([name]) => !names.includes(name as K))) as unknown as Grant;
}

test.for<[string, Grant]>([
  ['is due when it should be', SOUND],
  ['is due too early: the sweep will find it', { ...SOUND, dueAt: T0 - HOUR }],
  ['is closed', { ...without('current', 'access', 'dueAt', 'duePartition'), status: 'closed' } as Grant],
])('a grant is left alone that %s', async ([, grant]) => {
  expect(await repaired(grant)).toBeUndefined();
});

test.for<[string, Grant, number]>([
  ['is due never', without('dueAt'), DUE_AT],
  ['is due too late', { ...SOUND, dueAt: DUE_AT + 1 }, DUE_AT],
  ['is in no partition', without('duePartition'), DUE_AT],
  ['is in the wrong partition', { ...SOUND, duePartition: 'quickbooks#suspect#01' }, DUE_AT],
  ['is in the wrong partition and due early', { ...SOUND, duePartition: 'xero#05', dueAt: T0 + 1 }, DUE_AT],
])('a grant is put right that %s', async ([, grant, dueAt]) => {
  expect(await repaired(grant)).toEqual({ ...SOUND, dueAt });
});

test.for<[string, Partial<LivingGrant>]>([
  ['another attempt', { number: 8 }],
  ['a new token', { tokenVersion: 8 }],
  ['another due date', { dueAt: T0 + 5 }],
  ['a lease', { attempt: { number: 7, id: 'a-7', kind: 'detach', startedAt: NOW, until: NOW + MINUTE } }],
  ['another organisation', { orgs: new Set(['acme', 'globex']) }],
])('nothing is written over %s', async ([, meanwhile]) => {
  const stale = { ...SOUND, dueAt: DUE_AT + HOUR };
  expect(await repaired(stale, { ...stale, ...meanwhile })).toEqual({ ...stale, ...meanwhile });
});
