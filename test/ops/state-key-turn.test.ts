import { expect, test } from 'vitest';
import { Secret } from '../../lib/domain/secret.ts';
import { isHalfTurned, newStateKey } from '../../ops/state-key-ring.ts';
import { dropsAt, nextTurn, type Turn } from '../../ops/state-key-turn.ts';
import { MINUTE, T0 } from '../support/grants.ts';

const key = (id: string) => ({ id, key: new Secret('k'.repeat(43)) });
const OLD = key('20261101T000000Z');
const NEW = key('20261120T120000Z');

test.for<[string, { current: typeof OLD; previous?: typeof OLD }, boolean, Turn]>([
  ['one key', { current: key('1') }, false, { put: 'announce', notBefore: 0 }],
  ['one key, to be finished', { current: key('1') }, true, { put: 'none' }],
  [
    'the first key and a new one announced',
    { current: key('1'), previous: NEW },
    false,
    { put: 'swap', notBefore: T0 + 5.5 * MINUTE },
  ],
  ['a key announced', { current: OLD, previous: NEW }, false, { put: 'swap', notBefore: T0 + 5.5 * MINUTE }],
  [
    'a key announced, to be finished',
    { current: OLD, previous: NEW },
    true,
    { put: 'swap', notBefore: T0 + 5.5 * MINUTE },
  ],
  // The states the old key signed are good for ten minutes, and it signs for as long as a function remembers it.
  ['keys swapped', { current: NEW, previous: OLD }, false, { put: 'announce', notBefore: T0 + 15.5 * MINUTE }],
  [
    'keys swapped, to be finished',
    { current: NEW, previous: OLD },
    true,
    { put: 'drop', notBefore: T0 + 15.5 * MINUTE },
  ],
  [
    'keys turned by hand',
    { current: key('2'), previous: key('1') },
    true,
    { put: 'drop', notBefore: T0 + 15.5 * MINUTE },
  ],
])('with %s (%j, finish %s) comes %j', ([, ring, finish, expected]) => {
  expect(nextTurn({ ...ring, putAt: T0 }, finish)).toEqual(expected);
});

test('a new key has 32 bytes, shows none of them, and an id that is newer than any before', () => {
  const made = newStateKey(T0);
  expect([made.id, Buffer.from(made.key.open(), 'base64url').length]).toEqual(['20261120T120000Z', 32]);
  expect(JSON.stringify(made)).not.toContain(made.key.open());
  expect(newStateKey(T0).key.open()).not.toBe(made.key.open());
  expect(isHalfTurned({ current: key('20261120T115959Z'), previous: made })).toBe(true);
  expect(isHalfTurned({ current: made, previous: key('20261120T115959Z') })).toBe(false);
});

test('the old key may go a quarter of an hour after the swap', () => {
  expect(dropsAt(T0)).toBe(T0 + 15.5 * MINUTE);
});
