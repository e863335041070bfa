import { describe, expect, test } from 'vitest';
import { findLeaks, textOf } from '../../../local/demo/leak-scan.ts';

const SECRET = 'eyJhbGciOiJSUzI1NiJ9.payload-of-it.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg/+=';
const OTHER = 'XAB1-another-secret-that-is-nowhere';

describe('a secret is found', () => {
  test.for<[string, string]>([
    ['as it is', `token=${SECRET};`],
    ['in a JSON line', textOf({ level: 'INFO', message: `got ${SECRET}` })],
    ['percent-encoded', `https://localhost/x?code=${encodeURIComponent(SECRET)}`],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64 behind one character', Buffer.from(`:${SECRET}`).toString('base64')],
    ['in base64 as the password of Basic authentication', Buffer.from(`client-42:${SECRET}`).toString('base64')],
    ['with its beginning cut off', `…${SECRET.slice(30)}`],
    ['with its end cut off', `${SECRET.slice(0, 68)}…`],
    ['with both ends cut off', `…${SECRET.slice(22, 69)}…`],
    ['as the bytes of a stored item', textOf({ ciphertext: new TextEncoder().encode(SECRET) })],
    ['as a Buffer in a stored item', textOf([{ deep: { in: [Buffer.from(SECRET)] } }])],
    ['in a set of a stored item', textOf({ orgs: new Set(['a', SECRET]) })],
  ])('%s', ([, text]) => {
    const places = [
      { name: 'clean', text: 'nothing here' },
      { name: 'dirty', text },
    ];
    expect(findLeaks(places, [OTHER, SECRET])).toEqual([{ place: 'dirty', secret: 1 }]);
  });
});

test('what only begins like a secret is none', () => {
  const text = `${SECRET.slice(0, 40)} and the hash 5e884898da28047151d0e56f8dc62927`;
  expect(findLeaks([{ name: 'logs', text }], [SECRET, OTHER])).toEqual([]);
});

test('a secret too short to be told from chance is refused and not passed over', () => {
  expect(() => findLeaks([], ['abc'])).toThrow(RangeError);
});
