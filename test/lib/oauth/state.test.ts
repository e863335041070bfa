import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { signState, verifyState } from '../../../lib/oauth/state.ts';
import type { StateKeyRing, StatePayload } from '../../../lib/service/ports.ts';

const NOW = 1_795_176_000_000;
const OLD = { id: 'k1', key: new Uint8Array(32).fill(1) };
const NEW = { id: 'k2', key: new Uint8Array(32).fill(2) };
const RING: StateKeyRing = { current: NEW, previous: OLD };
const PAYLOAD: StatePayload = {
  flowId: '01KAGZ6X9M4V0Q2T8R5N7W3YBC',
  provider: 'xero',
  organizationId: 'acme.books_1',
  cookieHash: 'ab'.repeat(32),
  nonce: 'n0nce-_n0nce-_n0nce-_1',
  expiresAt: 1_795_176_600_000,
};

/** A state with any payload at all, rightly signed. */
function forge(payload: unknown, keyId = NEW.id, key = NEW.key): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signed = `v1.${keyId}.${Buffer.from(text).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

describe('a state', () => {
  test('says what was signed until it expires', () => {
    const state = signState(PAYLOAD, RING);
    expect(state.startsWith('v1.k2.')).toBe(true);
    expect(verifyState(state, RING, NOW)).toEqual(PAYLOAD);
    expect(verifyState(state, RING, 1_795_176_599_999)).toEqual(PAYLOAD);
    expect(verifyState(state, RING, 1_795_176_600_000)).toBeUndefined();
  });

  test('is the text that was agreed on', () => {
    expect(signState(PAYLOAD, RING)).toBe(forge(PAYLOAD));
  });

  test('survives one turn of the keys and no second one', () => {
    const state = signState(PAYLOAD, { current: OLD });
    expect(verifyState(state, RING, NOW)).toEqual(PAYLOAD);
    expect(verifyState(state, { current: { id: 'k3', key: new Uint8Array(32).fill(3) }, previous: NEW }, NOW)).toBe(
      undefined,
    );
  });

  test('of another key under a known id is refused', () => {
    expect(verifyState(forge(PAYLOAD, 'k2', OLD.key), RING, NOW)).toBeUndefined();
    expect(verifyState(forge(PAYLOAD, 'k1', NEW.key), RING, NOW)).toBeUndefined();
  });

  test('is refused in every other spelling of its signature', () => {
    const state = signState(PAYLOAD, RING);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const accepted = [...alphabet].filter((last) => verifyState(state.slice(0, -1) + last, RING, NOW) !== undefined);
    expect(accepted).toEqual([state.slice(-1)]);
  });

  test('is refused after any change of one character', () => {
    const state = signState(PAYLOAD, RING);
    fc.assert(
      fc.property(
        fc.nat({ max: state.length - 1 }),
        fc.constantFrom(...'AQz09-_.=+/% \n'),
        fc.constantFrom('replace', 'insert', 'delete'),
        (at, character, edit) => {
          const mutated =
            state.slice(0, at) + (edit === 'delete' ? '' : character) + state.slice(edit === 'insert' ? at : at + 1);
          fc.pre(mutated !== state);
          return verifyState(mutated, RING, NOW) === undefined;
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('is refused whatever else comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          return verifyState(text, RING, NOW) === undefined && verifyState(`v1.k2.${text}`, RING, NOW) === undefined;
        },
      ),
      { numRuns: 500 },
    );
  });

  test('comes back whole for every payload that can be signed', () => {
    const id = (max: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{1,${max}}$`));
    const payloads = fc.record({
      flowId: id(64),
      provider: fc.constantFrom('quickbooks', 'xero'),
      organizationId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
      cookieHash: fc.stringMatching(/^[0-9a-f]{64}$/),
      nonce: id(64),
      expiresAt: fc.integer({ min: NOW + 1, max: Number.MAX_SAFE_INTEGER }),
    });
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(verifyState(signState(payload, RING), RING, NOW)).toEqual(payload);
      }),
      { numRuns: 200 },
    );
  });

  test.for<[string, unknown]>([
    ['not JSON', '{'],
    ['an array', [PAYLOAD]],
    ['null', null],
    ['a field more', { ...PAYLOAD, admin: true }],
    ['a field less', { ...PAYLOAD, nonce: undefined }],
    ['a field instead of another', { ...PAYLOAD, nonce: undefined, nonse: 'x' }],
    ['another provider', { ...PAYLOAD, provider: 'sage' }],
    ['a prototype as provider', { ...PAYLOAD, provider: '__proto__' }],
    ['a bad organisation', { ...PAYLOAD, organizationId: '../acme' }],
    ['a bad flow', { ...PAYLOAD, flowId: 'a b' }],
    ['a hash in capitals', { ...PAYLOAD, cookieHash: 'AB'.repeat(32) }],
    ['a short hash', { ...PAYLOAD, cookieHash: 'ab' }],
    ['an empty nonce', { ...PAYLOAD, nonce: '' }],
    ['an expiry as text', { ...PAYLOAD, expiresAt: '1795176600000' }],
    ['an expiry in fractions', { ...PAYLOAD, expiresAt: 1_795_176_600_000.5 }],
    ['a long nonce', { ...PAYLOAD, nonce: 'n'.repeat(65) }],
    ['more than 1,024 characters', `${JSON.stringify(PAYLOAD)}${' '.repeat(600)}`],
  ])('rightly signed with %s is refused', ([, payload]) => {
    expect(verifyState(forge(payload), RING, NOW)).toBeUndefined();
  });

  test('may have blanks in its payload, so that only its length refuses it above', () => {
    expect(verifyState(forge(`${JSON.stringify(PAYLOAD)} `), RING, NOW)).toEqual(PAYLOAD);
  });

  test('of another version is refused', () => {
    const state = forge(PAYLOAD).replace(/^v1/, 'v2');
    const signed = state.slice(0, state.lastIndexOf('.'));
    const signature = createHmac('sha256', NEW.key).update(signed).digest('base64url');
    expect(verifyState(`${signed}.${signature}`, RING, NOW)).toBeUndefined();
  });
});

describe('signing', () => {
  test.for([
    ['a short key', { id: 'k', key: new Uint8Array(31) }],
    ['a key id with a dot', { id: 'k.1', key: NEW.key }],
    ['a long key id', { id: 'k'.repeat(33), key: NEW.key }],
  ] as const)('with %s is refused', ([, current]) => {
    expect(() => signState(PAYLOAD, { current })).toThrow(
      new GrantkeeperError('secret_unavailable', { field: 'state-keys' }),
    );
  });

  test('a payload that would not verify is refused', () => {
    expect(() => signState({ ...PAYLOAD, organizationId: '' }, RING)).toThrow(new GrantkeeperError('internal_error'));
  });
});
