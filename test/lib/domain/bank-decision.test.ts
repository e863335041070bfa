import { expect, test } from 'vitest';
import { type Authorization, type BankOptions, decideBank } from '../../../lib/domain/bank-decision.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import { apply } from '../../support/apply.ts';
import {
  accessToken,
  DAY,
  heldToken,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  refreshToken,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

const { generation: _g, version: _v, ...SEALED } = refreshToken('flow-1', 0);
const AUTHORIZATION: Authorization = {
  provider: 'quickbooks',
  subject: '9341453',
  grant: 'quickbooks#9341453',
  generation: 'gen-2',
  attemptId: 'flow-1',
  clientId: 'client-2',
  environment: 'sandbox',
  scopes: ['com.intuit.quickbooks.accounting'],
  access: accessToken('flow-1', T0),
  refresh: SEALED,
  refreshExpiresAt: T0 + 100,
  organizationId: 'acme',
  traceId: 'tid-1',
};
const OPTIONS: BankOptions = { id: 'token-1', now: T0 + MINUTE };

async function bank(image: Grant, options: BankOptions = OPTIONS, policy = QUICKBOOKS_POLICY) {
  const decision = decideBank(image, AUTHORIZATION, policy, options);
  if (decision.kind === 'stored') throw new Error('stored');
  return apply(image, decision.transaction);
}

test('on a living grant only what belongs to the old authorisation changes', async () => {
  const image = quickbooksGrant({ hardExpiresAt: T0 + 5, lastUsedAt: T0, detach: {} });
  const { committed, grant, audit } = await bank(image);
  const { hardExpiresAt: _, ...kept } = image;
  expect(committed).toBe(true);
  expect(grant).toEqual({
    ...kept,
    generation: 'gen-2',
    clientId: 'client-2',
    number: 8,
    tokenVersion: 8,
    access: AUTHORIZATION.access,
    current: { ...SEALED, generation: 'gen-2', version: 8 },
    held: { 'attempt-7': heldToken('attempt-7', 7, 'displaced', T0 + MINUTE) },
    refreshExpiresAt: T0 + 100,
    lastRefreshedAt: T0 + MINUTE,
    duePartition: 'quickbooks#05',
    dueAt: grant.dueAt,
  });
  expect(audit).toEqual([
    {
      v: 1,
      pk: 'GRANT#quickbooks#9341453',
      sk: '2026-11-20T12:00:00.000Z#flow-1#grant.banked',
      event: 'grant.banked',
      provider: 'quickbooks',
      at: T0 + MINUTE,
      startedAt: T0,
      durationMs: MINUTE,
      number: 8,
      outcome: 'OK',
      organizationId: 'acme',
      providerTraceId: 'tid-1',
      ttl: Math.floor((T0 + MINUTE) / 1000) + 34_214_400,
    },
  ]);
});

test('stored already, as current or held, is no write', () => {
  const current = quickbooksGrant({ current: refreshToken('flow-1', 8) });
  const held = quickbooksGrant({ held: { 'flow-1': heldToken('flow-1', 8, 'displaced', T0) } });
  for (const image of [current, held]) {
    expect(decideBank(image, AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS)).toEqual({ kind: 'stored' });
  }
});

test('an authorisation of which there are newer tokens by now is no write', () => {
  const image = quickbooksGrant({ generation: 'gen-2', current: refreshToken('attempt-9', 9, 'gen-2') });
  expect(decideBank(image, AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS)).toEqual({ kind: 'stored' });
});

const HELD = { ...SEALED, generation: 'gen-2', why: 'late', since: T0 + MINUTE } as const;

test('a living grant that was authorised later holds it under its own generation, and nothing else changes', async () => {
  const image = quickbooksGrant({ generation: 'gen-3', status: 'suspect', number: 9, notBefore: T0 + 5 });
  const { committed, grant, audit } = await bank(image);
  expect(committed).toBe(true);
  expect(grant).toEqual({ ...image, held: { 'flow-1': { ...HELD, version: 9 } } });
  expect(audit).toMatchObject([{ event: 'grant.banked', number: 9, reason: 'older_authorization', startedAt: T0 }]);
  const decision = decideBank(image, AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS);
  expect(decision).toMatchObject({ kind: 'write', as: 'other_generation' });
});

test.for([
  ['01KAFZ0000AAAAAAAAAAAAAAAA', '01KAFZ04QZAAAAAAAAAAAAAAAA', 'banked'],
  ['01KAFZ0000AAAAAAAAAAAAAAAA', '01KAFZ04W9AAAAAAAAAAAAAAAA', 'other_generation'],
] as const)(
  'an authorisation of %s on a grant closed at %s, 4,863 or 5,001 ms later by the clocks, is %s',
  ([generation, closed, as]) => {
    const { access: _a, current: _c, orgs: _o, dueAt: _d, duePartition: _p, ...rest } = quickbooksGrant();
    const image = { ...rest, generation: closed, status: 'closed' } as Grant;
    const decision = decideBank(image, { ...AUTHORIZATION, generation }, QUICKBOOKS_POLICY, OPTIONS);
    expect(decision).toMatchObject({ kind: 'write', as });
  },
);

const REVOKING = { number: 8, id: 'a-8', kind: 'revoke', startedAt: T0, until: T0 + 2 * MINUTE } as const;

test.for([
  ['closing', {}, T0 + MINUTE],
  ['closed', {}, T0 + MINUTE],
  ['closing', { attempt: REVOKING }, T0 + 2 * MINUTE],
] as const)('on a %s grant of a later generation it becomes something to revoke', async ([status, more, dueAt]) => {
  const { access: _a, current: _c, orgs: _o, dueAt: _d, duePartition: _p, ...rest } = quickbooksGrant();
  const image = { ...rest, generation: 'gen-3', status, ...more } as Grant;
  expect((await bank(image)).grant).toEqual({
    ...image,
    status: 'closing',
    held: { 'flow-1': { ...HELD, version: 7 } },
    dueAt,
    duePartition: 'quickbooks#05',
  });
});

test.for([
  ['authorised again', { generation: 'gen-4' }],
  ['closed', { status: 'closed' }],
  ['given a late token', { held: { late: heldToken('late', 6, 'late', T0) } }],
] as [string, Partial<ReturnType<typeof quickbooksGrant>>][])(
  'holding it fails when, since the read, the grant was %s',
  async ([, change]) => {
    const decision = decideBank(quickbooksGrant({ generation: 'gen-3' }), AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS);
    if (decision.kind === 'stored') throw new Error('stored');
    const image = { ...quickbooksGrant({ generation: 'gen-3' }), ...change } as Grant;
    expect(await apply(image, decision.transaction)).toEqual({ committed: false, grant: image, audit: [] });
  },
);

test('what was found out about the old authorisation is forgotten', async () => {
  const image = quickbooksGrant({
    status: 'needs_reauth',
    rejections: { count: 3, firstAt: T0 - 3, lastAt: T0 - 1 },
    reauth: { reason: 'user_revoked', since: T0 - 1, probes: 2 },
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: T0 - 1, consecutive: 3 },
    notBefore: T0 + DAY,
    unansweredSince: T0 - 9,
    warned: { idle: 30, hard: 90 },
  });
  const { grant } = await bank(image);
  for (const name of ['rejections', 'reauth', 'failure', 'notBefore', 'unansweredSince', 'warned']) {
    expect(grant).not.toHaveProperty(name);
  }
  expect(grant).toMatchObject({ status: 'active', duePartition: 'quickbooks#05' });
});

test('a ninth held token pushes out a previous one past its grace, then the oldest', async () => {
  const younger = Object.fromEntries([6, 7, 8, 9].map((n) => [`t${n}`, heldToken(`t${n}`, n, 'late', T0 - n)]));
  const held = {
    ...younger,
    a: heldToken('a', 1, 'late', T0 - 100 * MINUTE),
    b: heldToken('b', 2, 'late', T0 - 90 * MINUTE),
    p: heldToken('p', 3, 'previous', T0 - 40 * MINUTE),
    c: heldToken('c', 4, 'displaced', T0 - 20 * MINUTE),
  };
  expect(Object.keys((await bank(xeroGrant({ held }), OPTIONS, XERO_POLICY)).grant.held).toSorted()).toEqual([
    'a',
    'attempt-7',
    'b',
    'c',
    ...Object.keys(younger),
  ]);
  const { p: _, ...others } = held;
  const without = { ...others, d: heldToken('d', 5, 'late', T0 - 10 * MINUTE) };
  expect(Object.keys((await bank(xeroGrant({ held: without }), OPTIONS, XERO_POLICY)).grant.held).toSorted()).toEqual([
    'attempt-7',
    'b',
    'c',
    'd',
    ...Object.keys(younger),
  ]);
});

const DIED = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;

test('an attempt that died without a report goes with the doubts', async () => {
  const { grant } = await bank(quickbooksGrant({ number: 8, attempt: DIED, doubts: { 6: T0 } }));
  expect([grant.number, grant.doubts]).toEqual([9, {}]);
  expect(grant).not.toHaveProperty('attempt');
});

test('a running attempt stays, and decides when the grant is due', async () => {
  const attempt = { ...DIED, until: T0 + 2 * MINUTE };
  const { grant } = await bank(quickbooksGrant({ number: 8, attempt }));
  expect(grant).toMatchObject({ attempt, dueAt: T0 + 2 * MINUTE });
});

test('a grant that served nobody begins its ten minutes anew', async () => {
  const { orgs: _, ...unserved } = quickbooksGrant({ unservedSince: T0 - 8 * MINUTE });
  expect((await bank(unserved)).grant).toMatchObject({ unservedSince: T0 + MINUTE, dueAt: T0 + 11 * MINUTE });
});

test.for([
  ['a lease was taken', { number: 8 }],
  ['a refresh committed', { tokenVersion: 8 }],
  ['it was closed', { generation: 'gen-9' }],
  ['it became suspect', { status: 'suspect' }],
  ['a duty was added', { dueAt: T0 + 1 }],
  ['another organisation was linked', { orgs: new Set(['acme', 'beta']) }],
  ['a late token was held', { held: { late: heldToken('late', 6, 'late', T0) } }],
] as [string, Partial<ReturnType<typeof quickbooksGrant>>][])(
  'the write fails when, since the read, %s',
  async ([, change]) => {
    const decision = decideBank(quickbooksGrant(), AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS);
    if (decision.kind === 'stored') throw new Error('stored');
    const image = quickbooksGrant(change);
    expect(await apply(image, decision.transaction)).toEqual({ committed: false, grant: image, audit: [] });
  },
);

test('a grant that appeared since the read fails the put', async () => {
  const decision = decideBank(undefined, AUTHORIZATION, QUICKBOOKS_POLICY, OPTIONS);
  if (decision.kind === 'stored') throw new Error('stored');
  expect((await apply(quickbooksGrant(), decision.transaction)).committed).toBe(false);
});
