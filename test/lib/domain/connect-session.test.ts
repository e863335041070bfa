import { expect, test } from 'vitest';
import {
  formatSession,
  formProof,
  hashOf,
  isFlowId,
  isSame,
  parseSession,
  validCookie,
} from '../../../lib/domain/connect-session.ts';
import { requireOrganization } from '../../../lib/domain/key-access.ts';

const FLOW_ID = '01KAFZ00000000000000000001';
const SECRET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0';

test('a session token is read back as it was written', () => {
  const token = formatSession({ flowId: FLOW_ID, secret: SECRET });
  expect(token).toBe(`${FLOW_ID}.${SECRET}`);
  expect(parseSession(token)).toEqual({ flowId: FLOW_ID, secret: SECRET });
});

test.for([
  '',
  FLOW_ID,
  `${FLOW_ID}.`,
  `${FLOW_ID}.${SECRET}x`,
  `${FLOW_ID}.${SECRET}\n`,
  `${FLOW_ID.slice(1)}I.${SECRET}`,
  `.${SECRET}`,
])('%j is no session token', (token) => {
  expect(parseSession(token)).toBeUndefined();
});

test('only what we set is a cookie of ours', () => {
  expect(validCookie(SECRET)).toBe(SECRET);
  for (const value of [undefined, '', `${SECRET}x`, SECRET.slice(1), `${SECRET.slice(1)} `]) {
    expect(validCookie(value)).toBeUndefined();
  }
});

test('a flow id is 26 characters of Crockford’s alphabet', () => {
  expect([FLOW_ID, FLOW_ID.toLowerCase(), `${FLOW_ID}0`, ''].map(isFlowId)).toEqual([true, false, false, false]);
});

test('hash, comparison and proof', () => {
  expect(hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect([isSame('a', 'a'), isSame('a', 'b'), isSame('a', 'aa'), isSame('', '')]).toEqual([true, false, false, true]);
  // RFC 4231 test case 2.
  expect(Buffer.from(formProof('Jefe', 'what do ya want for nothing?'), 'base64url').toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test.for([
  ['*', true],
  [['acme'], true],
  [['acme2'], false],
  [[], false],
] as const)('a key for %j may see acme: %j', ([organizations, allowed]) => {
  const ask = () => requireOrganization({ organizations }, 'acme');
  if (allowed) expect(ask).not.toThrow();
  else expect(ask).toThrow(expect.objectContaining({ code: 'not_found' }));
});

test('without a key nothing is seen', () => {
  expect(() => requireOrganization(undefined, 'acme')).toThrow(expect.objectContaining({ code: 'not_found' }));
});
