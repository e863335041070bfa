import { describe, expect, test } from 'vitest';
import type { CallResult } from '../../../lib/oauth/https-call.ts';
import { describeSeen, durationText, isOk, isRejected, seenOf } from '../../../ops/probe-sandbox/seen.ts';

function answered(status: number, body: string): CallResult {
  return { kind: 'answered', sentAt: 0, status, headers: {}, body: Buffer.from(body) };
}

const TOKEN = 'eyJhbGciOiJkaXIifQ.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

describe('what is told of an answer', () => {
  test('is its shape, and no value but lifetimes', () => {
    const body = { access_token: TOKEN, refresh_token: TOKEN, expires_in: '3600', x_refresh_token_expires_in: 8726400 };
    expect(seenOf(answered(200, JSON.stringify(body)), 312)).toEqual({
      status: 200,
      body: 'JSON',
      fields: ['access_token', 'expires_in', 'refresh_token', 'x_refresh_token_expires_in'],
      seconds: { expires_in: 3600, x_refresh_token_expires_in: 8726400 },
      tookMs: 312,
    });
  });

  test('is an error with its words', () => {
    const body = '{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}';
    expect(seenOf(answered(400, body), 5)).toEqual({
      status: 400,
      body: 'JSON',
      error: 'invalid_grant',
      description: 'Incorrect or invalid refresh token',
      fields: ['error', 'error_description'],
      seconds: {},
      tookMs: 5,
    });
  });

  test.for([
    { error: TOKEN },
    { error: `bad ${TOKEN}` },
    { error_description: `the token ${TOKEN} is not known` },
    { error_description: 'company 9341453000000001 is not yours' },
    { error_description: '<b>mark-up</b>' },
    { Detail: TOKEN },
    { [TOKEN]: 1 },
    { expires_in: TOKEN },
  ])('holds back what could be a token or an id: %o', (body) => {
    const line = describeSeen(seenOf(answered(400, JSON.stringify(body)), 0));
    expect(line).not.toMatch(/eyJ|9341|<b>/);
  });

  test.for([
    ['', 'no body'],
    ['<!doctype html><html></html>', 'HTML'],
    ['<?xml version="1.0"?><IntuitResponse/>', 'XML'],
    ['Bad Gateway', 'text'],
    ['[]', 'JSON'],
  ] as const)('says what %s is', ([body, kind]) => {
    expect(seenOf(answered(502, body), 0).body).toBe(kind);
  });

  test('counts a list', () => {
    expect(seenOf(answered(200, '[{"id":"1"},{"id":"2"}]'), 0).count).toBe(2);
  });

  test('is why there was none', () => {
    const seen = seenOf({ kind: 'cut', reason: 'response_timeout' }, 45_000);
    expect(describeSeen(seen)).toBe('no complete answer (response_timeout); no body; 45.0 s');
    expect([isOk(seen), isRejected(seen)]).toEqual([false, false]);
  });
});

test('an answer is one line', () => {
  const seen = {
    ...seenOf(answered(401, '{"fault":{"error":[{"code":"3200"}],"type":"AUTHENTICATION"}}'), 1_250),
    refreshToken: 'new',
    claims: [],
    sentAgeMs: 3_661_000,
  } as const;
  expect(describeSeen(seen)).toBe(
    '401; fault 3200 (authentication); JSON; with fault; refresh token: new; claims: none; sent at an age of 1 h 1 min; 1.3 s',
  );
});

test.for([
  [400, '{"error":"invalid_grant"}', [false, true]],
  [400, '{"error":"invalid_client"}', [false, false]],
  [500, '{"error":"invalid_grant"}', [false, false]],
  [200, '{"error":"invalid_grant"}', [false, false]],
  [200, '', [true, false]],
  [204, '', [false, false]],
] as const)('%i %s: done, or refused', ([status, body, expected]) => {
  const seen = seenOf(answered(status, body), 0);
  expect([isOk(seen), isRejected(seen)]).toEqual(expected);
});

test.for([
  [0, '0 s'],
  [59_400, '59 s'],
  [59_600, '1 min 0 s'],
  [3_599_000, '59 min 59 s'],
  [86_401_000, '24 h 0 min'],
] as const)('%i ms are %s', ([ms, text]) => {
  expect(durationText(ms)).toBe(text);
});
