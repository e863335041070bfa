import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSecretOf, newApiKey, parseApiKey } from '../../../lib/domain/api-key-format.ts';
import { Secret } from '../../../lib/domain/secret.ts';

/** Made once and written down: the format may not change under keys in use. */
const KEY = 'gk_dev_x34mvkytjmssvm7p_lsvgjjdwbdHyCeKnbXoLItOfm5lmBbGFnUHjFIn70Fo2R2wdi';
const SECRET_HASH = '454a8609aa7a83e85ca965b393521321f411191e1cf461099056fe774bf1bd3e';

test('a new key has the four parts of the format and its parts come back', () => {
  const { id, key, secretHash } = newApiKey('dev');
  expect(key.open()).toMatch(/^gk_dev_[0-9a-hjkmnp-tv-z]{16}_[0-9A-Za-z]{49}$/);
  const parts = parseApiKey(key.open());
  expect({ ...parts, secret: parts?.secret.open() }).toEqual({
    environment: 'dev',
    id,
    secret: key.open().slice('gk_dev_'.length + 17),
  });
  expect(secretHash).toMatch(/^[0-9a-f]{64}$/);
  expect(isSecretOf({ secretHash }, parts?.secret ?? new Secret(''))).toBe(true);
});

test('two new keys share neither id nor secret', () => {
  const keys = [newApiKey('dev'), newApiKey('dev')];
  expect(new Set(keys.map(({ id }) => id)).size).toBe(2);
  expect(new Set(keys.map(({ secretHash }) => secretHash)).size).toBe(2);
});

test('a key in use is read and fits its record', () => {
  const parts = parseApiKey(KEY);
  expect([parts?.environment, parts?.id, String(parts?.secret)]).toEqual(['dev', 'x34mvkytjmssvm7p', '[redacted]']);
  expect(isSecretOf({ secretHash: SECRET_HASH }, parts?.secret ?? new Secret(''))).toBe(true);
});

test('any one changed, lost or doubled character is refused', async () => {
  const key = newApiKey('dev').key.open();
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-';
  const place = fc.integer({ min: 0, max: key.length - 1 });
  await fc.assert(
    fc.property(place, fc.constantFrom(...alphabet), (at, character) => {
      fc.pre(key[at] !== character);
      expect(parseApiKey(key.slice(0, at) + character + key.slice(at + 1))).toBeUndefined();
      expect(parseApiKey(key.slice(0, at) + key.slice(at + 1))).toBeUndefined();
      expect(parseApiKey(key.slice(0, at) + key[at] + key.slice(at))).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test('two swapped neighbours are refused', async () => {
  const key = newApiKey('dev').key.open();
  for (let at = 0; at < key.length - 1; at++) {
    if (key[at] === key[at + 1]) continue;
    expect(parseApiKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2))).toBeUndefined();
  }
});

test('no text at all makes the parser throw', async () => {
  await fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(parseApiKey(text)).toBeUndefined();
    }),
  );
});

test.for(['Dev', 'my_env', '', '1dev', 'averyverylongname'])(
  'an environment named %j cannot have keys',
  (environment) => {
    expect(() => newApiKey(environment)).toThrow(new TypeError('an environment is 1 to 16 of a-z, 0-9 and "-"'));
  },
);

test.for([
  ['without a record', undefined],
  ['with a record whose hash is broken', { secretHash: 'abcd' }],
  ['with a record whose hash is empty', { secretHash: '' }],
  ['with the hash of another secret', { secretHash: 'c'.repeat(64) }],
] as const)('no secret fits %s', ([, record]) => {
  expect(isSecretOf(record, new Secret('anything'))).toBe(false);
});

test('a secret fits the record with its SHA-256', () => {
  const secretHash = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae';
  expect(isSecretOf({ secretHash }, new Secret('foo'))).toBe(true);
});
