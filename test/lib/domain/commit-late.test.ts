import { expect, test } from 'vitest';
import { type CommitPolicy, decideCommit, type Issued } from '../../../lib/domain/commit-decision.ts';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import { type Applied, apply } from '../../support/apply.ts';
import {
  accessToken,
  HOUR,
  heldToken,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  refreshToken,
  T0,
} from '../../support/grants.ts';

const SENT = T0 + HOUR;
const NOW = SENT + 400;
const lease = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: SENT - 100, until: SENT + 124_900 } as const;

const leased = (changes: Partial<LivingGrant> = {}) =>
  quickbooksGrant({ number: 8, attempt: lease, lastUsedAt: T0, ...changes });

const issued: Issued = {
  grant: 'quickbooks#9341453',
  generation: 'gen-1',
  number: 8,
  attemptId: 'attempt-8',
  startedAt: SENT - 100,
  tokenVersion: 7,
  spentId: 'attempt-7',
  seenHeld: [],
  access: accessToken('attempt-8', SENT),
  refresh: refreshToken('attempt-8', 8),
  refreshExpiresAt: SENT + 8_726_400_000,
  traceId: 'tid-1',
};

async function store(
  image: Grant,
  tokens: Issued = issued,
  policy: CommitPolicy = QUICKBOOKS_POLICY,
): Promise<{ readonly as: string } & Partial<Applied>> {
  const decision = decideCommit(image, tokens, policy, NOW);
  if (decision.kind === 'stored') return { as: 'stored' };
  return { as: decision.as, ...(await apply(image, decision.transaction)) };
}

test('a zombie older than the current token is held as late and casts doubt on the rejections', async () => {
  const rejected = {
    number: 9,
    id: 'attempt-9',
    kind: 'refresh',
    startedAt: T0,
    until: T0 + 1,
    outcome: 'REJECTED',
  } as const;
  const image = leased({
    number: 9,
    attempt: rejected,
    tokenVersion: 9,
    current: refreshToken('attempt-9', 9),
    status: 'suspect',
    doubts: { 8: SENT - 100 },
    rejections: { count: 1, firstAt: T0, lastAt: T0 },
    notBefore: NOW + 60_000,
    duePartition: 'quickbooks#suspect#01',
  });
  const after = await store(image);
  const { rejections: _r, notBefore: _n, ...rest } = image;
  expect(after.as).toBe('superseded');
  expect(after.grant).toEqual({
    ...rest,
    doubts: {},
    held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) },
    dueAt: NOW,
    duePartition: 'quickbooks#suspect#01',
  });
});

test('a late token takes a verdict back: the grant is a suspect again, due at once', async () => {
  const image = leased({
    number: 9,
    attempt: { ...lease, id: 'attempt-9', number: 9, outcome: 'REJECTED', until: T0 },
    tokenVersion: 9,
    current: refreshToken('attempt-9', 9),
    status: 'needs_reauth',
    reauth: { reason: 'lost_rotation', since: T0, probes: 0 },
    rejections: { count: 4, firstAt: T0, lastAt: T0 },
    notBefore: T0 + 9 * HOUR,
  });
  const after = await store(image);
  expect(after.grant).toMatchObject({ status: 'suspect', dueAt: NOW, duePartition: 'quickbooks#suspect#01' });
  expect([after.grant?.reauth, after.grant?.rejections, after.grant?.notBefore]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('an active grant keeps its due date when a late token arrives', async () => {
  const image = leased({ number: 9, tokenVersion: 9, current: refreshToken('attempt-9', 9) });
  const after = await store(image);
  expect(after.grant).toEqual({ ...image, held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) } });
});

test('after a new authorisation the token is held with its own generation', async () => {
  const image = leased({
    generation: 'gen-2',
    number: 9,
    tokenVersion: 9,
    current: refreshToken('exchange-9', 9, 'gen-2'),
  });
  const after = await store(image);
  expect(after.as).toBe('other_generation');
  expect(after.grant).toEqual({ ...image, held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) } });
  expect(after.audit?.[0]?.event).toBe('attempt.late');
});

test('a token of an older authorisation takes a verdict back as well', async () => {
  const image = leased({
    generation: 'gen-2',
    attempt: { ...lease, outcome: 'REJECTED', until: T0 },
    status: 'needs_reauth',
    reauth: { reason: 'unknown', since: T0, probes: 9 },
    rejections: { count: 9, firstAt: T0, lastAt: T0 },
    notBefore: T0 + 99 * HOUR,
  });
  const { reauth: _a, rejections: _r, notBefore: _n, ...rest } = image;
  expect((await store(image)).grant).toEqual({
    ...rest,
    status: 'suspect',
    held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) },
    dueAt: NOW,
    duePartition: 'quickbooks#suspect#01',
  });
});

test.for(['closing', 'closed'] as const)(
  'on a %s grant the token becomes something to revoke at once',
  async (status) => {
    const { current: _c, access: _a, orgs: _o, dueAt: _d, duePartition: _p, ...rest } = leased({ generation: 'gen-2' });
    const image = { ...rest, attempt: { ...lease, outcome: 'OK', until: NOW - 1 }, status } as Grant;
    const after = await store(image);
    expect(after.grant).toEqual({
      ...image,
      status: 'closing',
      held: { 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) },
      duePartition: 'quickbooks#05',
      dueAt: NOW,
    });
  },
);
