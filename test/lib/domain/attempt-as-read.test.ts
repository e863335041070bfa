import { expect, test } from 'vitest';
import { decideCommit, type Issued } from '../../../lib/domain/commit-decision.ts';
import { decideRelease } from '../../../lib/domain/duty-decision.ts';
import type { Attempt, Grant } from '../../../lib/domain/grant.ts';
import {
  accessToken,
  MINUTE,
  QUICKBOOKS_POLICY,
  quickbooksGrant,
  refreshToken,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

/** What another attempt's end changes: its outcome, and the dates that follow from it. */

const NOW = T0 + 3 * MINUTE;
const RUNNING: Attempt = { number: 9, id: 'attempt-9', kind: 'refresh', startedAt: T0, until: NOW + MINUTE };
const { until } = RUNNING;

/** Tokens of attempt 8, which was overtaken by attempt 9. */
const ISSUED: Issued = {
  grant: 'quickbooks#9341453',
  generation: 'gen-1',
  number: 8,
  attemptId: 'attempt-8',
  startedAt: T0,
  tokenVersion: 7,
  spentId: 'attempt-7',
  seenHeld: [],
  access: accessToken('attempt-8', T0),
  refresh: refreshToken('attempt-8', 8),
};

async function writtenOver(read: Grant, now: Grant): Promise<boolean> {
  const store = createMemoryStore({ now: () => NOW });
  const key = { pk: read.pk };
  await store.commit({ token: 'given', writes: [{ table: 'grants', key, when: [], op: 'put', item: now }] });
  const decision = decideCommit(read, ISSUED, QUICKBOOKS_POLICY, NOW);
  if (decision.kind === 'stored') throw new Error('nothing to write');
  return (await store.commit(decision.transaction)).committed;
}

const suspect = quickbooksGrant({ status: 'suspect', number: 9, tokenVersion: 9, attempt: RUNNING, dueAt: until });

test.for([
  ['displaces', quickbooksGrant({ number: 9, attempt: RUNNING, dueAt: until })],
  ['comes late to a suspect', suspect],
  ['comes late to a closing grant', { ...suspect, status: 'closing', generation: 'gen-2' } as Grant],
] as const)('a token that %s is decided on again when the attempt beside it has reported', async ([, read]) => {
  expect(await writtenOver(read, read)).toBe(true);
  // A cut answer leaves the lease and the due date as they are.
  expect(await writtenOver(read, { ...read, attempt: { ...RUNNING, outcome: 'UNKNOWN' } })).toBe(false);
  expect(await writtenOver(read, { ...read, attempt: { ...RUNNING, until: NOW } })).toBe(false);
  expect(await writtenOver(read, { ...read, attempt: { ...RUNNING, id: 'attempt-10' } })).toBe(false);
});

test('a late token that moves no date is kept whatever the attempt beside it does', async () => {
  const read = quickbooksGrant({ number: 9, tokenVersion: 9, attempt: RUNNING, dueAt: until });
  expect(await writtenOver(read, { ...read, attempt: { ...RUNNING, outcome: 'UNKNOWN' } })).toBe(true);
});

test('a lease is not let go on what was read before a token arrived beside it', async () => {
  const duty = { tenantId: 't1', since: T0 };
  const read = xeroGrant({
    number: 9,
    attempt: { ...RUNNING, kind: 'detach' },
    doubts: { 8: T0 },
    detach: { c1: duty },
  });
  const release = (store: ReturnType<typeof createMemoryStore>) =>
    store.commit(decideRelease(read, { ...RUNNING, kind: 'detach' }, XERO_POLICY, NOW));
  for (const [meanwhile, committed] of [
    [read, true],
    [{ ...read, tokenVersion: 8, doubts: {} }, false],
    [{ ...read, status: 'suspect' }, false],
  ] as const) {
    const store = createMemoryStore({ now: () => NOW });
    const given = { table: 'grants', key: { pk: read.pk }, when: [], op: 'put', item: meanwhile } as const;
    await store.commit({ token: 'given', writes: [given] });
    expect((await release(store)).committed).toBe(committed);
  }
});
