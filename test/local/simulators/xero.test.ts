import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ACCOUNTANT_ID,
  ACME_TENANT,
  Bench,
  BIRCH_TENANT,
  basic,
  CALLBACK,
  consent,
  postForm,
  send,
  XERO,
  xeroAuthorizeUrl,
} from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());
beforeEach(() => bench.reset());

const DAY = 86_400;

function claims(jwt: string): { authentication_event_id?: string } {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

function revoke(token: string) {
  return postForm(`${bench.xero}/connect/revocation`, { token }, basic(XERO));
}

describe('authorisation', () => {
  test('comes back with a code and no tenant', async () => {
    const callback = await bench.xeroConsent();
    expect(Object.fromEntries(callback.searchParams)).toEqual({
      code: expect.stringMatching(/^.{43}$/),
      scope: 'offline_access accounting.settings',
      state: 'state-1',
    });
  });

  test('comes back with access_denied', async () => {
    const callback = await consent(xeroAuthorizeUrl(bench.xero), [['decision', 'deny']]);
    expect(Object.fromEntries(callback.searchParams)).toEqual({ error: 'access_denied', state: 'state-1' });
  });

  test.for<[string, Record<string, string>, string]>([
    ['an unknown client', { client_id: 'nobody' }, 'Unknown client or client not enabled'],
    ['a redirect to 127.0.0.1', { redirect_uri: 'http://127.0.0.1:8080/callback' }, 'Invalid redirect_uri'],
    ['an unknown scope', { scope: 'everything' }, 'invalid scope'],
  ])('answers %s with an error page, status 500', async ([, query, reason]) => {
    const answer = await send(xeroAuthorizeUrl(bench.xero, query));
    expect(answer.status).toBe(500);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.body).toContain(`unauthorized_client : ${reason}`);
  });

  test('asks again when an organisation is not the user’s own, even beside one that is', async () => {
    const fields: [string, string][] = [
      ['decision', 'allow'],
      ['user', 'owner'],
      ['tenant', ACME_TENANT],
      ['tenant', BIRCH_TENANT],
    ];
    const answer = await send(xeroAuthorizeUrl(bench.xero), { method: 'POST', body: new URLSearchParams(fields) });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('role="alert"');
  });
});

describe('tokens', () => {
  test('have the documented shape', async () => {
    const tokens = await bench.connectXero();
    const seconds = Math.floor(bench.clock.now() / 1000);
    expect(tokens).toEqual({
      access_token: expect.any(String),
      expires_in: 1800,
      refresh_token: expect.stringMatching(/^.{43}$/),
      token_type: 'Bearer',
      scope: 'offline_access accounting.settings',
    });
    expect(claims(tokens.access_token)).toMatchObject({
      xero_userid: ACCOUNTANT_ID,
      authentication_event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      scope: ['offline_access', 'accounting.settings'],
      exp: seconds + 1800,
    });
  });

  test('come without a refresh token when offline_access was not asked for', async () => {
    const tokens = await bench.connectXero('accountant', [ACME_TENANT], 'accounting.settings');
    expect(Object.keys(tokens).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
  });

  test('a code is good for five minutes and once', async () => {
    const code = (await bench.xeroConsent()).searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
    bench.clock.advance(299);
    const first = await bench.xeroToken(form);
    expect(first.status).toBe(200);
    expect((await bench.xeroToken(form)).body).toEqual({ error: 'invalid_grant' });
    expect((await bench.xeroRefresh(first.body.refresh_token)).body).toEqual({ error: 'invalid_grant' });
    const late = (await bench.xeroConsent()).searchParams.get('code') ?? '';
    bench.clock.advance(300);
    expect((await bench.xeroToken({ ...form, code: late })).body).toEqual({ error: 'invalid_grant' });
  });

  test('rotate at every call; the previous value can be retried for 30 minutes and not after', async () => {
    const { refresh_token: first } = await bench.connectXero();
    const second = (await bench.xeroRefresh(first)).body.refresh_token;
    bench.clock.advance(1700);
    const third = (await bench.xeroRefresh(first)).body.refresh_token;
    bench.clock.advance(99);
    const fourth = (await bench.xeroRefresh(first)).body.refresh_token;
    expect(new Set([first, second, third, fourth]).size).toBe(4);
    bench.clock.advance(1);
    expect((await bench.xeroRefresh(first)).body).toEqual({ error: 'invalid_grant' });
    expect((await bench.xeroRefresh(fourth)).status).toBe(200);
  });

  test('two refreshes at once both succeed, as nothing else is documented', async () => {
    const { refresh_token } = await bench.connectXero();
    await bench.admin(bench.xero, 'config', { latencyMs: 200 });
    const answers = await Promise.all([bench.xeroRefresh(refresh_token), bench.xeroRefresh(refresh_token)]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  });

  test.for([
    [59, 200],
    [60, 400],
  ] as const)('after %i days without use answer %i', async ([days, status]) => {
    const { refresh_token } = await bench.connectXero();
    bench.clock.advance(days * DAY);
    expect((await bench.xeroRefresh(refresh_token)).status).toBe(status);
  });

  test('of a user are superseded by his next authorisation, and another user’s are not', async () => {
    const before = await bench.connectXero('accountant');
    const owner = await bench.connectXero('owner');
    const after = await bench.connectXero('accountant', [BIRCH_TENANT]);
    expect((await bench.xeroRefresh(before.refresh_token)).body).toEqual({ error: 'invalid_grant' });
    expect((await bench.xeroRefresh(owner.refresh_token)).status).toBe(200);
    expect((await bench.xeroRefresh(after.refresh_token)).status).toBe(200);
  });

  test('answer 400 invalid_client to a wrong secret', async () => {
    const wrong = basic({ ...XERO, clientSecret: 'wrong' });
    const answer = await postForm(
      `${bench.xero}/connect/token`,
      { grant_type: 'refresh_token', refresh_token: 'x' },
      wrong,
    );
    expect([answer.status, answer.body]).toEqual([400, { error: 'invalid_client' }]);
  });
});

describe('connections', () => {
  test('are all of the user’s, or those of one consent', async () => {
    await bench.connectXero('accountant', [ACME_TENANT]);
    const tokens = await bench.connectXero('accountant', [BIRCH_TENANT]);
    const authEventId = claims(tokens.access_token).authentication_event_id;
    const all = await bench.xeroApi('/connections', tokens.access_token);
    const ofFlow = await bench.xeroApi(`/connections?authEventId=${authEventId}`, tokens.access_token);
    expect(all.body.map((item: { tenantId: string }) => item.tenantId)).toEqual([ACME_TENANT, BIRCH_TENANT]);
    expect(ofFlow.body).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        authEventId,
        tenantId: BIRCH_TENANT,
        tenantType: 'ORGANISATION',
        tenantName: 'Birch Bakery',
        createdDateUtc: `${new Date(bench.clock.now()).toISOString().slice(0, -1)}0000`,
        updatedDateUtc: `${new Date(bench.clock.now()).toISOString().slice(0, -1)}0000`,
      },
    ]);
    expect(all.headers.get('x-appminlimit-remaining')).toMatch(/^\d+$/);
  });

  test('keep their id when reconnected and show it in updatedDateUtc', async () => {
    const first = await bench.connectXero();
    const before = (await bench.xeroApi('/connections', first.access_token)).body[0];
    bench.clock.advance(60);
    const second = await bench.connectXero();
    const after = (await bench.xeroApi('/connections', second.access_token)).body[0];
    expect([after.id, after.createdDateUtc]).toEqual([before.id, before.createdDateUtc]);
    expect(after.updatedDateUtc).not.toBe(before.updatedDateUtc);
  });

  test('deleting one leaves the token set alive and the other organisation open', async () => {
    const tokens = await bench.connectXero('accountant', [ACME_TENANT, BIRCH_TENANT]);
    const { id } = (await bench.xeroApi('/connections', tokens.access_token)).body[0];
    const remove = () => bench.xeroApi(`/connections/${id}`, tokens.access_token, undefined, 'DELETE');
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
    const refreshed = (await bench.xeroRefresh(tokens.refresh_token)).body;
    const removed = await bench.xeroApi('/api.xro/2.0/Organisation', refreshed.access_token, ACME_TENANT);
    expect([removed.status, removed.body.Detail]).toEqual([403, 'AuthenticationUnsuccessful']);
    const kept = await bench.xeroApi('/api.xro/2.0/Organisation', refreshed.access_token, BIRCH_TENANT);
    expect([kept.status, kept.body.Organisations[0].Name]).toEqual([200, 'Birch Bakery']);
    expect(kept.headers.get('x-minlimit-remaining')).toBe('59');
    expect(kept.headers.get('x-daylimit-remaining')).toBe('4999');
    const deletes = bench.ledger().filter((entry) => entry.endpoint === 'connections');
    expect(deletes).toMatchObject([
      { tenantId: ACME_TENANT, subject: ACCOUNTANT_ID, status: 204, outcome: 'ok', committed: true },
      { subject: ACCOUNTANT_ID, status: 404, committed: false },
    ]);
  });

  test('are all gone after a revocation of that user, and only of that user', async () => {
    const owner = await bench.connectXero('owner');
    const tokens = await bench.connectXero('accountant', [ACME_TENANT, BIRCH_TENANT]);
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
    expect((await bench.xeroApi('/connections', tokens.access_token)).body).toEqual([]);
    expect((await bench.xeroRefresh(tokens.refresh_token)).body).toEqual({ error: 'invalid_grant' });
    expect((await bench.xeroApi('/connections', owner.access_token)).body).toHaveLength(1);
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
    expect(
      bench
        .ledger()
        .filter((entry) => entry.endpoint === 'revoke')
        .map((entry) => entry.committed),
    ).toEqual([true, false]);
  });

  test('removed by the user in Xero close the organisation and leave the tokens', async () => {
    const tokens = await bench.connectXero('accountant', [ACME_TENANT, BIRCH_TENANT]);
    expect((await bench.admin(bench.xero, 'revoke', { tenantId: ACME_TENANT })).body).toEqual({ disconnected: 1 });
    const answer = await bench.xeroApi('/api.xro/2.0/Organisation', tokens.access_token, ACME_TENANT);
    expect([answer.status, answer.body.Detail]).toEqual([403, 'AuthenticationUnsuccessful']);
    expect((await bench.xeroApi('/connections', tokens.access_token)).body).toHaveLength(1);
    expect((await bench.xeroRefresh(tokens.refresh_token)).status).toBe(200);
  });

  test('answer TokenExpired once the access token has run out, and miss no scope in silence', async () => {
    const tokens = await bench.connectXero('owner', [ACME_TENANT], 'offline_access accounting.invoices');
    const noScope = await bench.xeroApi('/api.xro/2.0/Organisation', tokens.access_token, ACME_TENANT);
    expect([noScope.status, noScope.body.Detail]).toEqual([401, 'AuthorizationUnsuccessful']);
    bench.clock.advance(1800);
    const expired = await bench.xeroApi('/connections', tokens.access_token);
    expect([expired.status, expired.body.Title, expired.body.Detail]).toEqual([
      401,
      'Unauthorized',
      'TokenExpired: token expired',
    ]);
  });
});
