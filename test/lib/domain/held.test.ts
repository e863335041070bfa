import { expect, test } from 'vitest';
import type { Grant } from '../../../lib/domain/grant.ts';
import { evicted, evictedBy, held, heldToTry } from '../../../lib/domain/held.ts';
import { heldToken, quickbooksGrant, refreshToken, T0 } from '../../support/grants.ts';

const four = {
  a: heldToken('a', 1, 'late', T0 - 4_000_000),
  b: heldToken('b', 2, 'previous', T0 - 1_801_000),
  c: heldToken('c', 3, 'displaced', T0 - 2_000_000),
  d: heldToken('d', 4, 'previous', T0 - 100_000),
};

const younger = Object.fromEntries([5, 6, 7, 8].map((n) => [`t${n}`, heldToken(`t${n}`, n, 'late', T0 - n)]));
const eight = { ...four, ...younger };

test('with room left nothing is dropped', () => {
  expect(evicted({ a: four.a, b: four.b, ...younger }, ['e', 'f'], 1800, T0)).toEqual([]);
});

test('the ninth token displaces a previous one past its grace first', () => {
  expect(evicted(eight, ['e'], 1800, T0)).toEqual(['b']);
});

test('then the oldest goes', () => {
  expect(evicted(eight, ['e', 'f'], 1800, T0)).toEqual(['b', 'a']);
});

test('without any past its grace the oldest goes', () => {
  expect(evicted(eight, ['e'], 1802, T0)).toEqual(['a']);
});

test('a token that is written again needs no room of its own', () => {
  expect(evicted(eight, ['d'], 1800, T0)).toEqual([]);
});

test.for([
  ['active', ['b']],
  ['needs_reauth', ['b']],
  // All of them are to be revoked.
  ['closing', []],
  ['closed', []],
] as const)('a late token displaces what it must on a grant that is %s', ([status, ids]) => {
  const grant = { ...quickbooksGrant({ held: eight }), status } as Grant;
  expect(evictedBy(grant, 'e', 1800, T0)).toEqual(ids);
});

test('held tokens are tried newest first, a previous one only within its grace', () => {
  expect(heldToTry(four, 1800, T0).map(({ attemptId }) => attemptId)).toEqual(['d', 'c', 'a']);
});

test('a token moved to held keeps its ciphertext and the attempt it is bound to', () => {
  const token = { ...refreshToken('a', 5), scope: 'flow#1' };
  expect(held(token, 'late', T0)).toEqual({ ...token, why: 'late', since: T0 });
});

test('a previous token is never tried where there is no grace', () => {
  expect(heldToTry({ p: heldToken('p', 3, 'previous', T0) }, 0, T0)).toEqual([]);
});
