import { expect, test } from 'vitest';
import type { Behaviour } from '../../support/fake-token-endpoint.ts';
import { ISSUED, ok, SECRETS, serve } from './token-endpoint-bench.ts';

test('a probe is one exchange of a code that nobody was given, with our client', async () => {
  const { fake, probe } = await serve({ kind: 'answer', status: 400, body: { error: 'invalid_grant' } });
  expect(await probe('xero')).toEqual({ kind: 'REJECTED', reason: 'invalid_grant' });
  expect(fake.requests.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
    'POST /connect/token grant_type=authorization_code&code=grantkeeper-probe-not-a-code&redirect_uri=https%3A%2F%2Fexample.com%2Foauth%2Fcallback',
  ]);
  // client-id:s3cr3t-of+the/client=
  expect(fake.requests[0]?.headers.authorization).toBe('Basic Y2xpZW50LWlkOnMzY3IzdC1vZit0aGUvY2xpZW50PQ==');
});

const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): Behaviour => ({
  kind: 'answer',
  status,
  body,
  headers,
});

test.for<[string, Behaviour, object]>([
  ['a refused client', answer(401, { error: 'invalid_client' }), { kind: 'CONFIG', reason: 'invalid_client' }],
  [
    'an unregistered client',
    answer(400, { error: 'unauthorized_client' }),
    { kind: 'CONFIG', reason: 'unauthorized_client' },
  ],
  [
    'the words about a wrong client, which no code can be about',
    answer(400, { error: 'invalid_grant', error_description: 'Incorrect Token type or clientID' }),
    { kind: 'REJECTED', reason: 'invalid_grant' },
  ],
  ['a 429', answer(429, '', { 'retry-after': '30' }), { kind: 'THROTTLED', retryAfterSeconds: 30, reason: 'http_429' }],
  [
    'an outage that says invalid_grant',
    answer(503, { error: 'invalid_grant' }),
    { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' },
  ],
  [
    'another word',
    answer(400, { error: 'invalid_request' }),
    { kind: 'UNKNOWN', answer: 'complete', reason: 'invalid_request' },
  ],
  ['silence', { kind: 'raw', text: '', next: 'stall' }, { kind: 'UNKNOWN', answer: 'cut', reason: 'response_timeout' }],
  [
    'tokens',
    ok(ISSUED, { intuit_tid: '1-65a-3f' }),
    { kind: 'UNKNOWN', answer: 'complete', reason: 'probe_accepted', traceId: '1-65a-3f' },
  ],
  [
    'a page with status 200',
    ok('<html>Welcome</html>'),
    { kind: 'UNKNOWN', answer: 'complete', reason: 'unreadable_answer' },
  ],
])('a probe that meets %s says so', async ([, behaviour, expected]) => {
  const { fake, probe } = await serve(behaviour);
  const outcome = await probe();
  expect(outcome).toEqual(expected);
  expect(fake.connections()).toBe(1);
  expect(SECRETS.filter((secret) => JSON.stringify(outcome).includes(secret))).toEqual([]);
});

test('a probe that reaches nobody is NOT_SENT', async () => {
  const { fake, probe } = await serve(answer(400));
  await fake.close();
  expect(await probe()).toEqual({ kind: 'NOT_SENT', reason: 'connect_refused' });
});
