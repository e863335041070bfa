import { describe, expect, test } from 'vitest';
import { classOf, dutyOutcomeOf, outcomeOf, type Refusal } from '../../../lib/oauth/classify.ts';
import { PROVIDERS } from '../../../lib/providers/index.ts';

const NOW = 1_795_132_800_000;

function refusal(status: number, error: string | null, more: Partial<Refusal> = {}): Refusal {
  return { phase: 'refresh', status, error, ...more };
}

type Row = readonly [row: string, status: number, error: string | null, expected: object, description?: string];

const rejected = { kind: 'REJECTED', reason: 'invalid_grant' };
const config = (reason: string) => ({ kind: 'CONFIG', reason });
const unknown = (reason: string) => ({ kind: 'UNKNOWN', answer: 'complete', reason });
const throttled = (reason: string) => ({ kind: 'THROTTLED', retryAfterSeconds: 60, reason });

/** providers.md §4.1, the rows that speak of one answer; the numbers are its row numbers. */
const COMMON: readonly Row[] = [
  ['2/9', 400, 'invalid_grant', rejected],
  ['2/9', 400, 'invalid_grant', rejected, 'Token invalid'],
  ['2/9', 400, 'invalid_grant', rejected, 'Incorrect or invalid refresh token'],
  ['10', 401, 'invalid_client', config('invalid_client')],
  ['10', 400, 'invalid_client', config('invalid_client')],
  ['11', 400, 'unauthorized_client', config('unauthorized_client')],
  ['11', 401, 'unauthorized_client', config('unauthorized_client')],
  ['11', 403, 'unauthorized_client', config('unauthorized_client')],
  ['11', 400, 'unsupported_grant_type', config('unsupported_grant_type')],
  ['11', 400, 'invalid_scope', config('invalid_scope')],
  ['12', 401, null, unknown('http_401')],
  ['12', 403, null, unknown('http_403')],
  ['13', 408, null, throttled('http_408')],
  ['13', 425, 'invalid_grant', throttled('http_425')],
  ['13', 429, null, throttled('http_429')],
  ['13', 429, 'invalid_grant', throttled('http_429')],
  ['14', 500, null, unknown('http_500')],
  ['14', 502, null, unknown('http_502')],
  ['14', 503, 'invalid_grant', unknown('http_503')],
  ['14', 504, 'invalid_client', unknown('http_504')],
  ['14', 599, 'server_error', unknown('http_599')],
  ['17', 300, null, config('http_300')],
  ['17', 302, null, config('http_302')],
  ['17', 307, 'invalid_grant', config('http_307')],
  ['18', 400, null, unknown('http_400')],
  ['18', 400, 'invalid_request', unknown('invalid_request')],
  ['18', 400, 'access_denied', unknown('access_denied')],
  ['18', 400, 'something_of_their_own', unknown('http_400')],
  ['18', 401, 'invalid_grant', unknown('invalid_grant')],
  ['18', 404, 'invalid_grant', unknown('invalid_grant')],
  ['18', 405, null, unknown('http_405')],
  ['18', 418, 'invalid_client', unknown('invalid_client')],
  ['18', 600, null, unknown('http_600')],
];

const wrongClient = 'Incorrect Token type or clientID';

describe.for(['quickbooks', 'xero'] as const)('a refusal to a refresh at %s', (provider) => {
  test.for(COMMON)('row %s: %i %s', ([, status, error, expected, description]) => {
    const told = refusal(status, error, description === undefined ? {} : { description });
    expect(outcomeOf(PROVIDERS[provider], told, NOW)).toEqual(expected);
  });
});

describe('a refusal that one provider alone means so', () => {
  test.for([
    ['quickbooks', 'refresh', wrongClient, 'WRONG_CLIENT', config('wrong_client')],
    ['quickbooks', 'refresh', 'incorrect TOKEN TYPE or clientid', 'WRONG_CLIENT', config('wrong_client')],
    ['quickbooks', 'exchange', wrongClient, 'GRANT_REJECTED', rejected],
    ['xero', 'refresh', wrongClient, 'GRANT_REJECTED', rejected],
    ['quickbooks', 'exchange', 'Invalid authorization code', 'GRANT_REJECTED', rejected],
    ['xero', 'exchange', 'redirect_uri mismatch', 'GRANT_REJECTED', rejected],
  ] as const)('row 4: %s, %s, "%s"', ([provider, phase, description, expectedClass, expected]) => {
    const told = refusal(400, 'invalid_grant', { phase, description });
    expect(classOf(PROVIDERS[provider], told)).toBe(expectedClass);
    expect(outcomeOf(PROVIDERS[provider], told, NOW)).toEqual(expected);
  });

  test('row 6: invalid_request is known at QuickBooks and unclassified at Xero', () => {
    expect(classOf(PROVIDERS.quickbooks, refusal(400, 'invalid_request'))).toBe('MALFORMED_REQUEST');
    expect(classOf(PROVIDERS.xero, refusal(400, 'invalid_request'))).toBe('UNCLASSIFIED');
  });

  test('the trace id goes along with every kind of outcome', () => {
    for (const status of [400, 401, 429, 500]) {
      const told = refusal(status, 'invalid_grant', { traceId: '1-abc' });
      expect(outcomeOf(PROVIDERS.quickbooks, told, NOW).traceId).toBe('1-abc');
    }
  });
});

describe('a refusal to a code exchange', () => {
  test.for([
    [400, 'invalid_grant', rejected],
    [401, 'invalid_client', config('invalid_client')],
    [400, 'unauthorized_client', config('unauthorized_client')],
    [429, null, throttled('http_429')],
    [502, null, unknown('http_502')],
  ] as const)('%i %s', ([status, error, expected]) => {
    for (const provider of ['quickbooks', 'xero'] as const) {
      expect(outcomeOf(PROVIDERS[provider], refusal(status, error, { phase: 'exchange' }), NOW)).toEqual(expected);
    }
  });
});

describe('a refusal to a revocation', () => {
  test.for([
    [refusal(401, 'invalid_client'), config('invalid_client')],
    [refusal(403, 'unauthorized_client'), config('unauthorized_client')],
    [refusal(302, null), config('http_302')],
    [refusal(401, null), { kind: 'RETRY', reason: 'http_401' }],
    [refusal(404, null), { kind: 'RETRY', reason: 'http_404' }],
    [refusal(429, null), { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 60 }],
    [refusal(429, null, { retryAfter: '7' }), { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 7 }],
    [refusal(503, null), { kind: 'RETRY', reason: 'http_503' }],
    [
      refusal(503, null, { retryAfter: '120', traceId: 't' }),
      { kind: 'RETRY', reason: 'http_503', retryAfterSeconds: 120, traceId: 't' },
    ],
  ] as const)('%j', ([told, expected]) => {
    expect(dutyOutcomeOf(PROVIDERS.quickbooks, { ...told, phase: 'revoke' }, NOW)).toEqual(expected);
  });
});
