import { expect, test } from 'vitest';
import type { Flow } from '../../../lib/domain/flow.ts';
import { decideLink, type LinkFacts, leaveGrant } from '../../../lib/domain/link-decision.ts';
import { apply } from '../../support/apply.ts';
import {
  accessToken,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksConnection,
  quickbooksGrant,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

const FLOW: Flow = {
  v: 1,
  pk: 'flow-1',
  stage: 'exchanged',
  organizationId: 'acme',
  provider: 'quickbooks',
  pinnedVersion: 0,
  redirectUri: 'https://gk.example/cb',
  grant: 'quickbooks#9341453',
  createdAt: T0,
  expiresAt: T0 + 1,
  ttl: 1,
};
const FACTS: LinkFacts = { flow: FLOW, tenant: { tenantId: '9341453' }, grant: quickbooksGrant() };
const OPTIONS = { id: 'token-1', linkId: 'link-2', now: T0, policy: QUICKBOOKS_POLICY };
const CLAIM = { v: 1, pk: 'CLAIM#quickbooks#9341453', sk: 'claim', organizationId: 'beta', linkId: 'link-9' } as const;
const PINNED = { ...FLOW, pinnedVersion: 1 };

test.for([
  ['connection_changed', { connection: quickbooksConnection() }],
  ['connection_changed', { flow: PINNED }],
  ['connection_changed', { flow: PINNED, connection: quickbooksConnection({ version: 2 }) }],
  ['company_mismatch', { flow: { ...FLOW, expectedTenantId: '1' } }],
  ['company_mismatch', { flow: PINNED, connection: quickbooksConnection({ tenantId: '1' }) }],
  ['company_mismatch', { flow: PINNED, connection: quickbooksConnection({ tenantId: '1', status: 'tenant_lost' }) }],
  ['company_taken', { claim: CLAIM }],
  ['exchange_failed', { grant: undefined }],
  ['exchange_failed', { grant: quickbooksGrant({ status: 'needs_reauth' }) }],
] as [string, Partial<LinkFacts>][])('%s: refused when %j', ([code, change]) => {
  expect(decideLink({ ...FACTS, ...change }, OPTIONS)).toEqual({ kind: 'refused', code });
});

test.for([
  ['for the first time', {}],
  [
    'again after a disconnect, with another company',
    { flow: PINNED, connection: quickbooksConnection({ status: 'disconnected', tenantId: '1' }) },
  ],
  ['again in place', { flow: PINNED, connection: quickbooksConnection(), claim: { ...CLAIM, organizationId: 'acme' } }],
  ['with a suspect grant', { grant: quickbooksGrant({ status: 'suspect' }) }],
] as [string, Partial<LinkFacts>][])('links %s', ([, change]) => {
  expect(decideLink({ ...FACTS, ...change }, OPTIONS).kind).toBe('link');
});

test('one item has one leg, and each leg its condition', () => {
  const decision = decideLink(FACTS, OPTIONS);
  if (decision.kind !== 'link') throw new Error('refused');
  const { token, writes } = decision.transaction;
  expect(token).toBe('token-1');
  expect(writes.map(({ table, key, op }) => [table, key.pk, op])).toEqual([
    ['connections', 'ORG#acme', 'put'],
    ['connections', 'CLAIM#quickbooks#9341453', 'put'],
    ['grants', 'quickbooks#9341453', 'update'],
    ['flows', 'flow-1', 'update'],
    ['audit', 'ORG#acme', 'put'],
  ]);
  expect(writes.map(({ when }) => when.length > 0)).toEqual([true, true, true, true, true]);
});

test('a previous grant that does not serve the organisation any more is left alone', () => {
  const previous = quickbooksGrant({ pk: 'quickbooks#1', orgs: new Set(['beta']) });
  const decision = decideLink({ ...FACTS, previous }, OPTIONS);
  if (decision.kind !== 'link') throw new Error('refused');
  expect(decision.transaction.writes.map(({ key }) => key.pk)).not.toContain('quickbooks#1');
});

const owed = { c1: { tenantId: 't1', since: T0 } };
const leave = { member: 'acme', duty: owed, policy: XERO_POLICY, now: T0 };

test.for([
  ['a grant that was given up does a new duty at once, while it has an access token', 'needs_reauth', undefined, T0],
  ['a suspect does it when it may be tried', 'suspect', T0 + 9 * MINUTE, T0 + 9 * MINUTE],
] as const)('%s', async ([, status, notBefore, dueAt]) => {
  const grant = xeroGrant({ status, notBefore: T0 + 9 * MINUTE, access: accessToken('attempt-7', T0) });
  const after = await apply(grant, { token: 'leave', writes: [leaveGrant(grant, leave)] });
  expect(after.grant).toMatchObject({ detach: owed, unservedSince: T0, dueAt });
  expect(after.grant.notBefore).toBe(notBefore);
});

test('a link made while a refresh runs leaves the grant due at the end of the lease, where a lost answer is looked for', () => {
  const attempt = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
  const decision = decideLink({ ...FACTS, grant: quickbooksGrant({ number: 8, attempt }) }, OPTIONS);
  if (decision.kind !== 'link') throw new Error('refused');
  const leg = decision.transaction.writes.find(({ table }) => table === 'grants');
  expect(leg).toMatchObject({ set: { dueAt: T0 + 125_000, duePartition: 'quickbooks#recovery#01' } });
});
