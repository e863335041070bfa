import { expect, test } from 'vitest';
import {
  decideAbandon,
  decideClose,
  decideDetached,
  decideRelease,
  decideStartClosing,
} from '../../../lib/domain/duty-decision.ts';
import type { Grant, GrantFields, LivingGrant } from '../../../lib/domain/grant.ts';
import { apply } from '../../support/apply.ts';
import {
  DAY,
  HOUR,
  heldToken,
  MINUTE,
  quickbooksGrant,
  refreshToken,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

const NOW = T0 + MINUTE;
const lease = { number: 8, id: 'attempt-8', kind: 'detach', startedAt: T0 + 59_000, until: T0 + 184_000 } as const;
const duties = { c1: { tenantId: 't1', since: T0 }, c2: { tenantId: 't2', since: T0 } };
const leased = xeroGrant({ number: 8, attempt: lease, detach: duties });

function unserved<G extends Grant>(grant: G): G {
  const { orgs: _, ...rest } = grant;
  return { ...rest, unservedSince: T0 } as G;
}

test('a detached company takes one duty away and keeps the lease', async () => {
  const after = await apply(leased, decideDetached(leased, lease, { connectionId: 'c1', reason: 'removed', now: NOW }));
  expect(after.grant).toEqual({ ...leased, detach: { c2: { tenantId: 't2', since: T0 } } });
  expect(after.audit.map(({ sk, event, reason }) => ({ sk, event, reason }))).toEqual([
    { sk: '2026-11-20T12:00:59.000Z#attempt-8:removed:c1#duty.detached', event: 'duty.detached', reason: 'removed:c1' },
  ]);
});

test('letting go clears the trouble and makes what is left due', async () => {
  const failure = { outcome: 'UNKNOWN', reason: 'detach_http_503', at: T0, consecutive: 1 } as const;
  const image = { ...leased, notBefore: T0 + 1, failure };
  const after = await apply(image, decideRelease(image, lease, XERO_POLICY, NOW));
  expect(after.grant).toEqual({
    ...leased,
    attempt: { ...lease, outcome: 'OK', until: NOW },
    dueAt: NOW,
    duePartition: 'xero#03',
  });
});

test.for([
  ['a duty', { detach: { ...duties, c3: { tenantId: 't3', since: NOW } } }],
  ['an organisation', { orgs: new Set(['acme', 'globex']) }],
  ['a look at the companies', { tenantCheckAt: NOW + 2 * MINUTE }],
  ['a use', { lastUsedAt: NOW }],
] as const)('the lease is not let go on a date that forgets %s that came meanwhile', async ([, meanwhile]) => {
  const image = { ...leased, ...meanwhile };
  const after = await apply(image, decideRelease(leased, lease, XERO_POLICY, NOW));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('letting go of a grant with a lost answer leaves it where that is looked for', async () => {
  const image = { ...leased, unansweredSince: T0 };
  const after = await apply(image, decideRelease(image, lease, XERO_POLICY, NOW));
  expect(after.grant).toMatchObject({ unansweredSince: T0, duePartition: 'xero#recovery#03' });
});

test('letting go of a grant that was given up brings back the date of its next probe', async () => {
  const image = xeroGrant({
    ...leased,
    detach: {},
    status: 'needs_reauth',
    reauth: { reason: 'unknown', since: T0 - HOUR, probes: 1 },
    rejections: { count: 4, firstAt: T0 - 2 * HOUR, lastAt: T0 },
  });
  const after = await apply(image, decideRelease(image, lease, XERO_POLICY, NOW));
  expect(after.grant).toMatchObject({ status: 'needs_reauth', dueAt: T0 + 5 * HOUR, duePartition: 'xero#03' });
});

/** Given up a week ago, nobody served, two companies still to be taken off. */
const hopeless = unserved(
  xeroGrant({
    status: 'needs_reauth',
    access: { ...leased.access, expiresAt: T0 },
    reauth: { reason: 'user_revoked', since: NOW - 7 * DAY, probes: 9 },
    rejections: { count: 13, firstAt: T0, lastAt: T0 },
    notBefore: NOW + 14 * DAY,
    detach: duties,
  }),
);

test('duties that can never be done are abandoned, each with its row, and the grant is due to be closed', async () => {
  const after = await apply(hopeless, decideAbandon(hopeless, XERO_POLICY, NOW));
  expect(after.grant).toEqual({ ...hopeless, detach: {}, dueAt: T0 + 10 * MINUTE });
  expect(after.audit.map(({ sk, reason }) => [sk, reason])).toEqual([
    ['2026-11-20T12:01:00.000Z#c1#duty.abandoned', 'user_revoked'],
    ['2026-11-20T12:01:00.000Z#c2#duty.abandoned', 'user_revoked'],
  ]);
});

test('more duties than one transaction takes are abandoned in several', async () => {
  const many = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`c${n}`, { tenantId: `t${n}`, since: T0 }]));
  const image = { ...hopeless, detach: many };
  const after = await apply(image, decideAbandon(image, XERO_POLICY, NOW));
  expect(after.committed).toBe(true);
  expect([Object.keys(after.grant.detach).length, after.audit.length]).toEqual([70, 50]);
  expect(after.grant.dueAt).toBeLessThanOrEqual(NOW);
});

test.for([
  ['is active again', { status: 'active' }],
  ['serves somebody again', { orgs: new Set(['globex']) }],
  ['is being probed', { attempt: { ...lease, kind: 'refresh' } }],
  ['was authorised anew', { generation: 'gen-2' }],
  ['owes another', { detach: { ...duties, c3: { tenantId: 't3', since: NOW } } }],
] as const)('no duty is abandoned on a grant that %s', async ([, meanwhile]) => {
  const image = { ...hopeless, ...meanwhile } as Grant;
  const after = await apply(image, decideAbandon(hopeless, XERO_POLICY, NOW));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('a grant that owes a duty does not start to close', async () => {
  const image = unserved({ ...leased, attempt: { ...lease, outcome: 'OK', until: NOW } });
  const after = await apply(image, decideStartClosing(image, { generation: 'gen-2', now: NOW }));
  expect(after.committed).toBe(false);
});

test('closing deletes every token, leaves the due index and keeps the numbers', async () => {
  const image = unserved({
    ...leased,
    detach: {},
    held: { late: heldToken('late', 6, 'late', T0) },
    refreshExpiresAt: 1,
    hardExpiresAt: 2,
    reauth: { reason: 'unknown', since: 1, probes: 1 },
    unansweredSince: 1,
    warned: { idle: 7 },
  });
  const after = await apply(image, decideClose(image, lease, { generation: 'gen-2', now: NOW }));
  expect(after.grant).toEqual({
    v: 1,
    pk: 'xero#user-1',
    provider: 'xero',
    subject: 'user-1',
    generation: 'gen-2',
    status: 'closed',
    clientId: 'client-1',
    environment: 'sandbox',
    scopes: ['com.intuit.quickbooks.accounting'],
    number: 8,
    tokenVersion: 7,
    attempt: { ...lease, outcome: 'OK', until: NOW },
    doubts: {},
    held: {},
    detach: {},
    lastRefreshedAt: T0,
    refreshCount: 6,
    failedRefreshCount: 0,
  });
  expect(after.audit[0]?.event).toBe('grant.closed');
});

test.for([
  ['somebody is served again', { orgs: new Set(['globex']) }],
  ['a duty has come', { detach: duties }],
  ['a token has arrived', { held: { late: heldToken('late', 6, 'late', T0) } }],
  ['a token has arrived in the place of another', { held: { h9: heldToken('h9', 9, 'late', T0) } }],
  ['it was authorised anew', { generation: 'gen-3' }],
  ['another attempt was made', { number: 9 }],
  ['another attempt runs', { attempt: { ...lease, id: 'attempt-9' } }],
] as const)('a grant is not closed once %s', async ([, meanwhile]) => {
  const held = 'held' in meanwhile && 'h9' in meanwhile.held ? { h8: heldToken('h8', 8, 'late', T0) } : {};
  const read = unserved({ ...leased, detach: {}, held });
  const image = { ...read, ...meanwhile } as Grant;
  const after = await apply(image, decideClose(read, lease, { generation: 'gen-2', now: NOW }));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});

test('a grant that serves nobody starts to close: no access token, no wait, a new generation, due at once', async () => {
  const rest: GrantFields = unserved(quickbooksGrant({ status: 'suspect' }));
  const image = {
    ...rest,
    notBefore: NOW + MINUTE,
    reauth: { reason: 'unknown', since: 1, probes: 1 },
    unansweredSince: 1,
    warned: { idle: 7 },
  } as LivingGrant;
  const after = await apply(image, decideStartClosing(image, { generation: 'gen-2', now: NOW }));
  const { access: _, ...kept } = rest;
  expect(after.grant).toEqual({
    ...kept,
    generation: 'gen-2',
    status: 'closing',
    dueAt: NOW,
    duePartition: 'quickbooks#05',
  });
  expect(after.grant.current).toEqual(refreshToken('attempt-7', 7));
});

test('a grant that was linked meanwhile does not start to close', async () => {
  const read = unserved(quickbooksGrant());
  const image = quickbooksGrant();
  const after = await apply(image, decideStartClosing(read, { generation: 'gen-2', now: NOW }));
  expect(after).toEqual({ committed: false, grant: image, audit: [] });
});
