import { describe, expect, test } from 'vitest';
import type { Behaviour } from '../../support/fake-token-endpoint.ts';
import { ok, serve } from './token-endpoint-bench.ts';

describe('a revocation', () => {
  test('is JSON with Basic credentials', async () => {
    const { fake, revoke } = await serve({ kind: 'answer', status: 200, headers: { intuit_tid: 'tid' } });
    expect(await revoke()).toEqual({ kind: 'DONE', reason: 'http_200', traceId: 'tid' });
    const [request] = fake.requests;
    expect([request?.path, request?.headers.authorization, request?.headers['content-type'], request?.body]).toEqual([
      '/v2/oauth2/tokens/revoke',
      'Basic Y2xpZW50LWlkOnMzY3IzdC1vZit0aGUvY2xpZW50PQ==',
      'application/json',
      '{"token":"RT1-104-H0-sent+and/secret=="}',
    ]);
  });

  test.for<[string, Behaviour, object]>([
    ['was revoked before', { kind: 'answer', status: 400, body: '' }, { kind: 'DONE', reason: 'http_400' }],
    [
      'our credentials are wrong',
      { kind: 'answer', status: 401, body: { error: 'invalid_client' } },
      { kind: 'CONFIG', reason: 'invalid_client' },
    ],
    ['throttled', { kind: 'answer', status: 429 }, { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 60 }],
    ['outage', { kind: 'answer', status: 503, body: '<html>' }, { kind: 'RETRY', reason: 'http_503' }],
    ['silence', { kind: 'raw', text: '', next: 'stall' }, { kind: 'RETRY', reason: 'response_timeout' }],
    ['reset', { kind: 'raw', text: '', next: 'reset' }, { kind: 'RETRY', reason: 'connection_reset' }],
  ])('%s', async ([, behaviour, expected]) => {
    const { fake, revoke } = await serve(behaviour);
    expect(await revoke()).toEqual(expected);
    expect(fake.connections()).toBe(1);
  });

  test('is never sent to Xero, where it would take all companies of the user', async () => {
    const { fake, revoke } = await serve(ok({}));
    expect(await revoke('xero')).toEqual({ kind: 'CONFIG', reason: 'revocation_unsupported' });
    expect(fake.connections()).toBe(0);
  });

  test('that cannot be sent is tried again', async () => {
    const { fake, revoke } = await serve(ok({}));
    await fake.close();
    expect(await revoke()).toEqual({ kind: 'RETRY', reason: 'connect_refused' });
  });
});
