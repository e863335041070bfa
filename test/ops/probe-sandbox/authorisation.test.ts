import { expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { type Authorisation, newest, remember } from '../../../ops/probe-sandbox/authorisation.ts';

function authorisationWith(tokens: readonly string[]): Authorisation {
  return {
    exchanged: { status: 200, body: 'JSON', fields: [], seconds: {}, tookMs: 0 },
    accessToken: new Secret('access'),
    values: tokens.map((token) => ({ token: new Secret(token), receivedAt: 1_000 })),
    isAlive: true,
    isRevoked: false,
  };
}

test.for([
  ['b', 'b', 'as sent', ['a', 'b']],
  ['b', 'c', 'new', ['a', 'b', 'c']],
  // The provider went back to it: it is the one to use now.
  ['b', 'a', 'another known one', ['b', 'a']],
] as const)('after %s was sent and %s came back it is %s', ([sent, came, told, kept]) => {
  const authorisation = authorisationWith(['a', 'b']);
  const value = authorisation.values.find(({ token }) => token.open() === sent) ?? newest(authorisation);
  expect(remember(authorisation, new Secret(came), { sent: value, receivedAt: 2_000 })).toBe(told);
  expect(authorisation.values.map(({ token }) => token.open())).toEqual(kept);
  expect(newest(authorisation).token.open()).toBe(came);
});

test('a value that comes again keeps its age', () => {
  const authorisation = authorisationWith(['a']);
  remember(authorisation, new Secret('a'), { sent: newest(authorisation), receivedAt: 2_000 });
  expect(newest(authorisation).receivedAt).toBe(1_000);
});
