import { describe, expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { createTokenEndpoint } from '../../../lib/oauth/token-endpoint.ts';
import type { Behaviour } from '../../support/fake-token-endpoint.ts';
import {
  ACCESS_TOKEN,
  CLIENT,
  clientOf,
  ISSUED,
  NEW_REFRESH_TOKEN,
  NOW,
  ok,
  REFRESH_TOKEN,
  SECRETS,
  serve,
} from './token-endpoint-bench.ts';

/** The plaintext behind the secrets of an OK, which prints as [redacted] otherwise. */
function opened(outcome: Awaited<ReturnType<ReturnType<typeof clientOf>['refresh']>>) {
  if (outcome.kind !== 'OK') return outcome;
  const { accessToken, refreshToken, ...rest } = outcome.tokens;
  return { ...outcome, tokens: { ...rest, accessToken: accessToken.open(), refreshToken: refreshToken?.open() } };
}

describe('a refresh', () => {
  test('is one form POST with raw Basic credentials and the headers of the provider', async () => {
    const { fake, refresh } = await serve(ok(ISSUED));
    await refresh();
    expect(fake.requests).toEqual([
      {
        method: 'POST',
        path: '/oauth2/v1/tokens/bearer',
        headers: {
          'x-include-refresh-token-hard-expires-in': 'true',
          // client-id:s3cr3t-of+the/client=
          authorization: 'Basic Y2xpZW50LWlkOnMzY3IzdC1vZit0aGUvY2xpZW50PQ==',
          accept: 'application/json',
          'user-agent': 'grantkeeper',
          'content-type': 'application/x-www-form-urlencoded',
          host: `127.0.0.1:${fake.port}`,
          'accept-encoding': 'identity',
          'content-length': '75',
          connection: 'close',
        },
        body: 'grant_type=refresh_token&refresh_token=RT1-104-H0-sent%2Band%2Fsecret%3D%3D',
      },
    ]);
  });

  test('at Xero goes to its path and asks for no hard expiry', async () => {
    const { fake, refresh } = await serve(ok(ISSUED));
    await refresh('xero');
    expect(fake.requests[0]?.path).toBe('/connect/token');
    expect(Object.keys(fake.requests[0]?.headers ?? {})).not.toContain('x-include-refresh-token-hard-expires-in');
  });

  test('takes a fresh connection each time', async () => {
    const { fake, refresh } = await serve(ok(ISSUED));
    await refresh();
    await refresh();
    expect([fake.connections(), fake.requests.length]).toEqual([2, 2]);
  });

  test('answers with the tokens, every lifetime told, the time it was sent and the trace id', async () => {
    const { refresh } = await serve(ok(ISSUED, { intuit_tid: '1-65a-3f' }));
    expect(opened(await refresh())).toEqual({
      kind: 'OK',
      traceId: '1-65a-3f',
      tokens: {
        accessToken: ACCESS_TOKEN,
        refreshToken: NEW_REFRESH_TOKEN,
        tokenType: 'bearer',
        expiresInSeconds: 3600,
        refreshExpiresInSeconds: 8_726_400,
        hardExpiresInSeconds: 156_032_154,
        sentAt: NOW,
      },
    });
  });

  test('prints nothing of an OK', async () => {
    const { refresh } = await serve(ok(ISSUED));
    const text = JSON.stringify(await refresh());
    expect(SECRETS.filter((secret) => text.includes(secret))).toEqual([]);
  });

  test('reads an answer in chunks', async () => {
    const text = JSON.stringify(ISSUED);
    const pieces = [text.slice(0, 10), text.slice(10, 60), text.slice(60)];
    const { refresh } = await serve({ kind: 'chunked', status: 200, pieces, end: true });
    expect((await refresh()).kind).toBe('OK');
  });

  test('ignores interim answers', async () => {
    const body = JSON.stringify(ISSUED);
    const { refresh } = await serve({
      kind: 'raw',
      text: `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      next: 'stall',
    });
    expect((await refresh()).kind).toBe('OK');
  });

  test('gets its tokens from behind long headers', async () => {
    const { refresh } = await serve(ok(ISSUED, { 'set-cookie': 'x'.repeat(30_000) }));
    expect((await refresh()).kind).toBe('OK');
  });

  test.for(['x'.repeat(129), 'two words', '<b>', ''])('keeps no trace id like "%s"', async (traceId) => {
    const { refresh } = await serve(ok(ISSUED, { intuit_tid: traceId }));
    expect(await refresh()).toEqual({ kind: 'OK', tokens: expect.anything() });
  });
});

describe('a code exchange', () => {
  test('sends the code once with its redirect URI', async () => {
    const { fake, exchange } = await serve({ kind: 'raw', text: '', next: 'reset' });
    expect(await exchange('xero')).toEqual({ kind: 'UNKNOWN', answer: 'cut', reason: 'connection_reset' });
    expect(fake.requests.map(({ body }) => body)).toEqual([
      'grant_type=authorization_code&code=AB11-code-sent&redirect_uri=https%3A%2F%2Fapp.example%2Fapi%2Fv1%2Foauth%2Fxero%2Fcallback%3Fa%3Db',
    ]);
  });

  test('takes a wrong client for a spent code, which ends the flow and nothing else', async () => {
    const body = { error: 'invalid_grant', error_description: 'Incorrect Token type or clientID' };
    const { exchange, refresh } = await serve({ kind: 'answer', status: 400, body });
    expect([(await exchange()).kind, (await refresh()).kind]).toEqual(['REJECTED', 'CONFIG']);
  });
});

const cut = (reason: string) => ({ kind: 'UNKNOWN', answer: 'cut', reason });
const complete = (reason: string) => ({ kind: 'UNKNOWN', answer: 'complete', reason });
const WHOLE = JSON.stringify(ISSUED);

describe('an answer that does not settle it', () => {
  test.for<[string, Behaviour, object]>([
    ['a reset after the request', { kind: 'raw', text: '', next: 'reset' }, cut('connection_reset')],
    ['an end without an answer', { kind: 'raw', text: '', next: 'end' }, cut('connection_reset')],
    ['silence', { kind: 'raw', text: '', next: 'stall' }, cut('response_timeout')],
    [
      'a body that stalls',
      { kind: 'raw', text: `HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n${WHOLE}`, next: 'stall' },
      cut('response_timeout'),
    ],
    [
      'a body shorter than announced',
      { kind: 'raw', text: `HTTP/1.1 200 OK\r\nintuit_tid: 1-2\r\ncontent-length: 999\r\n\r\n${WHOLE}`, next: 'end' },
      { ...cut('truncated_answer'), traceId: '1-2' },
    ],
    [
      'a reset in the body',
      { kind: 'raw', text: `HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n${WHOLE}`, next: 'reset' },
      cut('truncated_answer'),
    ],
    ['chunks without an end', { kind: 'chunked', status: 200, pieces: [WHOLE], end: false }, cut('truncated_answer')],
    ['an endless body', { kind: 'answer', status: 200, body: 'x'.repeat(65_537) }, cut('body_too_large')],
    ['an endless error page', { kind: 'answer', status: 502, body: 'x'.repeat(65_537) }, cut('body_too_large')],
    ['no HTTP at all', { kind: 'raw', text: 'SSH-2.0-OpenSSH_9.2\r\n', next: 'end' }, cut('unreadable_answer')],
    [
      'another protocol',
      { kind: 'raw', text: 'HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', next: 'stall' },
      cut('connection_lost'),
    ],
    ['HTML with status 200', ok('<html>Welcome</html>'), complete('unreadable_answer')],
    ['an empty 200', ok(''), complete('unreadable_answer')],
    ['half a JSON in full length', ok(WHOLE.slice(0, 100)), complete('unreadable_answer')],
    ['an array', ok([ISSUED]), complete('unreadable_answer')],
    ['a 204', { kind: 'raw', text: 'HTTP/1.1 204 X\r\n\r\n', next: 'end' }, complete('unreadable_answer')],
    ['an error with status 200', ok({ error: 'invalid_grant' }), complete('error_in_ok')],
    ['an error beside tokens', ok({ ...ISSUED, error: 'invalid_grant' }), complete('error_in_ok')],
    ['no access token', ok({ ...ISSUED, access_token: undefined }), complete('incomplete_answer')],
    ['a 502 page', { kind: 'answer', status: 502, body: '<html>nginx</html>' }, complete('http_502')],
    ['an edge page', { kind: 'answer', status: 403, body: '<html>Access Denied</html>' }, complete('http_403')],
  ])('%s is UNKNOWN', async ([, behaviour, expected]) => {
    const { fake, refresh } = await serve(behaviour);
    expect(await refresh()).toEqual(expected);
    expect(fake.connections()).toBe(1);
  });
});

describe('a refusal', () => {
  test.for<[number, unknown, Record<string, string>, object]>([
    [
      400,
      { error: 'invalid_grant' },
      { intuit_tid: 'tid.1' },
      { kind: 'REJECTED', reason: 'invalid_grant', traceId: 'tid.1' },
    ],
    [401, { error: 'invalid_client' }, {}, { kind: 'CONFIG', reason: 'invalid_client' }],
    [302, '', { location: 'https://elsewhere.example/' }, { kind: 'CONFIG', reason: 'http_302' }],
    [429, '', { 'retry-after': '7' }, { kind: 'THROTTLED', retryAfterSeconds: 7, reason: 'http_429' }],
    [429, '', {}, { kind: 'THROTTLED', retryAfterSeconds: 60, reason: 'http_429' }],
    [503, { error: 'invalid_grant' }, { 'retry-after': '7' }, complete('http_503')],
    [400, '{"error":"invalid_grant"}', { 'content-type': 'text/plain' }, { kind: 'REJECTED', reason: 'invalid_grant' }],
    [400, { error: { code: 'invalid_grant' } }, {}, complete('http_400')],
    [400, { error: '' }, {}, complete('http_400')],
  ])('%i %j', async ([status, body, headers, expected]) => {
    const { fake, refresh } = await serve({ kind: 'answer', status, body, headers });
    expect(await refresh()).toEqual(expected);
    expect(fake.connections()).toBe(1);
  });

  test('repeats nothing of what was sent or of what the provider wrote', async () => {
    const echo = {
      error: `${REFRESH_TOKEN}`,
      error_description: CLIENT.clientSecret.open(),
      access_token: ACCESS_TOKEN,
    };
    for (const status of [200, 302, 400, 401, 403, 429, 500]) {
      const { refresh, exchange, revoke } = await serve({ kind: 'answer', status, body: echo });
      const text = JSON.stringify([await refresh(), await exchange(), await revoke()]);
      expect(SECRETS.filter((secret) => text.includes(secret))).toEqual([]);
    }
  });
});

describe('a request that never left', () => {
  test('because nobody listens is NOT_SENT', async () => {
    const { fake, refresh } = await serve(ok(ISSUED));
    await fake.close();
    expect(await refresh()).toEqual({ kind: 'NOT_SENT', reason: 'connect_refused' });
  });

  test.for([
    ['http://provider.example', 'insecure_endpoint'],
    ['ftp://localhost', 'insecure_endpoint'],
    ['not a URL', 'request_not_built'],
  ] as const)('because the endpoint is %s is NOT_SENT', async ([origin, reason]) => {
    expect(await clientOf(origin).refresh()).toEqual({ kind: 'NOT_SENT', reason });
    expect(await clientOf(origin).revoke()).toEqual({ kind: 'RETRY', reason });
  });

  test('because the hosts are not configured is NOT_SENT, not thrown', async () => {
    const endpoint = createTokenEndpoint({
      hosts: () => {
        throw new Error('no hosts');
      },
      now: () => NOW,
    });
    const outcome = await endpoint.refresh({
      provider: 'xero',
      client: CLIENT,
      refreshToken: new Secret(REFRESH_TOKEN),
    });
    expect(outcome).toEqual({ kind: 'NOT_SENT', reason: 'request_not_built' });
  });
});
