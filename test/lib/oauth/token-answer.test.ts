import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tokensOf } from '../../../lib/oauth/token-answer.ts';
import { PROVIDERS } from '../../../lib/providers/index.ts';

const NOW = 1_795_176_000_000;
const BODY = { access_token: 'at', refresh_token: 'rt', token_type: 'bearer', expires_in: 3600 };

function read(body: unknown, provider: 'quickbooks' | 'xero' = 'quickbooks') {
  const tokens = tokensOf(PROVIDERS[provider], body, NOW);
  if (typeof tokens === 'string') return tokens;
  const { accessToken, refreshToken, ...rest } = tokens;
  return { ...rest, accessToken: accessToken.open(), refreshToken: refreshToken?.open() };
}

describe('the tokens of an answer', () => {
  test.for<[string, unknown, number]>([
    ['a number', 3600, 3600],
    ['a string', '3600', 3600],
    ['a string with blanks', ' 1800 ', 1800],
    ['a fraction', 1799.5, 1799.5],
    ['missing', undefined, 3600],
    ['null', null, 3600],
    ['zero', 0, 3600],
    ['negative', -1, 3600],
    ['a word', 'soon', 3600],
    ['an empty string', '', 3600],
    ['hexadecimal', '0x10', 3600],
    ['beyond all reason', 1e300, 3600],
    ['a boolean', true, 3600],
    ['a list', [60], 3600],
  ])('live as told, or else as published: %s', ([, expires_in, expected]) => {
    expect(read({ ...BODY, expires_in })).toEqual({
      accessToken: 'at',
      refreshToken: 'rt',
      tokenType: 'bearer',
      expiresInSeconds: expected,
      sentAt: NOW,
    });
  });

  test('of Xero live 30 minutes when nothing is told', () => {
    expect(read({ access_token: 'at' }, 'xero')).toEqual({
      accessToken: 'at',
      refreshToken: undefined,
      tokenType: 'Bearer',
      expiresInSeconds: 1800,
      sentAt: NOW,
    });
  });

  test.for<[unknown, number | undefined]>([
    ['8726400', 8_726_400],
    [8_721_385, 8_721_385],
    [0, undefined],
    ['x', undefined],
  ])('carry the idle and hard life %j only when it is a positive number', ([told, expected]) => {
    const body = { ...BODY, x_refresh_token_expires_in: told, x_refresh_token_hard_expires_in: told };
    expect(read(body)).toEqual({
      ...(read(BODY) as object),
      ...(expected === undefined ? {} : { refreshExpiresInSeconds: expected, hardExpiresInSeconds: expected }),
    });
  });

  test('ignore fields another provider would use', () => {
    expect(read({ ...BODY, x_refresh_token_expires_in: 5, x_refresh_token_hard_expires_in: 5 }, 'xero')).toEqual(
      read(BODY, 'xero'),
    );
  });

  test.for<[unknown, readonly string[] | undefined]>([
    ['openid  offline_access', ['openid', 'offline_access']],
    ['', undefined],
    [' ', undefined],
    [['openid'], undefined],
    ['line\nbreak', undefined],
  ])('name the scopes %j', ([scope, expected]) => {
    expect(read({ ...BODY, scope })).toEqual({
      ...(read(BODY) as object),
      ...(expected === undefined ? {} : { scopes: expected }),
    });
  });

  test.for([undefined, null, ''])('do without a refresh token: %j', (refresh_token) => {
    expect(read({ ...BODY, refresh_token })).toEqual({ ...(read(BODY) as object), refreshToken: undefined });
  });

  test('are no error because the answer names none', () => {
    expect(read({ ...BODY, error: null })).toEqual(read(BODY));
  });

  test('may be 4,096 characters long', () => {
    const long = 'a'.repeat(32_768);
    expect(read({ ...BODY, access_token: long, refresh_token: long })).toEqual({
      ...(read(BODY) as object),
      accessToken: long,
      refreshToken: long,
    });
  });

  test.for([undefined, 7, 'mac key', 'x'.repeat(33)])('are bearer tokens whatever else is said: %j', (token_type) => {
    expect(read({ ...BODY, token_type })).toEqual({ ...(read(BODY) as object), tokenType: 'Bearer' });
  });
});

describe('an answer without usable tokens', () => {
  test.for<[unknown, string]>([
    [undefined, 'unreadable_answer'],
    [null, 'unreadable_answer'],
    ['text', 'unreadable_answer'],
    [[], 'unreadable_answer'],
    [{}, 'incomplete_answer'],
    [{ ...BODY, error: 'x' }, 'error_in_ok'],
    [{ ...BODY, error: {} }, 'error_in_ok'],
    [{ ...BODY, access_token: '' }, 'incomplete_answer'],
    [{ ...BODY, access_token: 7 }, 'incomplete_answer'],
    [{ ...BODY, access_token: 'a b' }, 'incomplete_answer'],
    [{ ...BODY, access_token: 'a\r\nx: y' }, 'incomplete_answer'],
    [{ ...BODY, access_token: 'ä' }, 'incomplete_answer'],
    [{ ...BODY, access_token: 'a'.repeat(32_769) }, 'incomplete_answer'],
    [{ ...BODY, refresh_token: {} }, 'incomplete_answer'],
    [{ ...BODY, refresh_token: 'a'.repeat(32_769) }, 'incomplete_answer'],
  ])('%j is %s', ([body, expected]) => {
    expect(read(body)).toBe(expected);
  });

  test('never makes us throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        tokensOf(PROVIDERS.quickbooks, value, NOW);
        tokensOf(PROVIDERS.quickbooks, { ...BODY, access_token: value, expires_in: other, scope: value }, NOW);
      }),
      { numRuns: 300 },
    );
  });
});
