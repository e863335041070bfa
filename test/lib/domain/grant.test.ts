import { expect, test } from 'vitest';
import {
  duePartition,
  duePartitions,
  hash32,
  type LivingGrant,
  recoveryPartitions,
  suspectPartitions,
} from '../../../lib/domain/grant.ts';
import { quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';

const attempt = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;

test.for([
  ['an active grant', {}, 'quickbooks#05'],
  ['a suspect', { status: 'suspect' }, 'quickbooks#suspect#01'],
  ['a suspect with a lost answer', { status: 'suspect', unansweredSince: T0 }, 'quickbooks#suspect#01'],
  ['a grant that was given up', { status: 'needs_reauth', unansweredSince: T0 }, 'quickbooks#05'],
  ['a closing grant', { status: 'closing', doubts: { 3: T0 } }, 'quickbooks#05'],
  ['a refresh under way', { attempt }, 'quickbooks#recovery#01'],
  ['a detach under way', { attempt: { ...attempt, kind: 'detach' } }, 'quickbooks#05'],
  ['a refresh before the newest token', { attempt, tokenVersion: 9 }, 'quickbooks#05'],
  ['a doubt', { doubts: { 3: T0 } }, 'quickbooks#recovery#01'],
  ['a lost answer', { unansweredSince: T0 }, 'quickbooks#recovery#01'],
  ['a refresh that was throttled', { attempt: { ...attempt, outcome: 'THROTTLED' } }, 'quickbooks#05'],
] as const)('%s stands in its own partition', ([, changes, partition]) => {
  expect(duePartition(quickbooksGrant(changes as unknown as Partial<LivingGrant>))).toBe(partition);
});

test('every partition a grant can stand in is one of its provider’s', () => {
  const all = duePartitions('xero');
  const subjects = Array.from({ length: 2_000 }, (_, n) => `xero#${n}` as const);
  const found = subjects.flatMap((pk) =>
    [{}, { status: 'suspect' }, { unansweredSince: T0 }].map((changes) =>
      duePartition(xeroGrant({ pk, ...(changes as Partial<LivingGrant>) })),
    ),
  );
  expect(new Set(found)).toEqual(new Set(all));
  expect(all).toHaveLength(24);
  expect(all.slice(0, 4)).toEqual(recoveryPartitions('xero'));
  expect(suspectPartitions('xero')).toEqual([
    'xero#suspect#00',
    'xero#suspect#01',
    'xero#suspect#02',
    'xero#suspect#03',
  ]);
});

test('a hash that is remembered is the one that was computed', () => {
  const first = hash32('xero#user-1');
  for (let n = 0; n < 25_000; n += 1) hash32(`xero#${n}`);
  expect([first, hash32('xero#user-1'), hash32('xero#user-1')]).toEqual([579_702_147, first, first]);
});
