import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ACME_REALM,
  Bench,
  basic,
  CALLBACK,
  OTHER_QUICKBOOKS,
  postForm,
  QUICKBOOKS,
  quickBooksAuthorizeUrl,
  START,
  send,
  until,
} from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());
beforeEach(() => bench.reset());

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('authorisation', () => {
  test('comes back with code, state and realmId', async () => {
    const callback = await bench.quickBooksConsent();
    expect(callback.origin + callback.pathname).toBe(CALLBACK);
    expect(Object.fromEntries(callback.searchParams)).toEqual({
      code: expect.stringMatching(/^XAB1.{46}$/),
      realmId: ACME_REALM,
      state: 'state-1',
    });
  });

  test('has no realmId when only OpenID was asked for', async () => {
    const callback = await bench.quickBooksConsent({}, { scope: 'openid email' });
    expect([...callback.searchParams.keys()]).toEqual(['code', 'state']);
  });

  test.for<[string, Record<string, string>, Record<string, string>, string]>([
    ['a denial', { decision: 'deny' }, {}, 'access_denied'],
    ['an unknown scope', {}, { scope: 'everything' }, 'invalid_scope'],
    ['no scope', {}, { scope: '' }, 'invalid_scope'],
    ['another response type', {}, { response_type: 'token' }, 'unsupported_response_type'],
  ])('sends %s back as an error', async ([, form, query, error]) => {
    const callback = await bench.quickBooksConsent(form, query);
    expect(Object.fromEntries(callback.searchParams)).toEqual({ error, state: 'state-1' });
  });

  test('shows one and the same page for an unknown client and a foreign redirect, and never redirects', async () => {
    const wrongClient = await send(quickBooksAuthorizeUrl(bench.quickbooks, { client_id: 'nobody' }));
    const wrongRedirect = await send(quickBooksAuthorizeUrl(bench.quickbooks, { redirect_uri: 'http://127.0.0.1/x' }));
    expect(wrongClient.status).toBe(400);
    expect(wrongClient.headers.get('location')).toBeNull();
    expect(wrongRedirect.body).toBe(wrongClient.body);
  });
});

describe('exchange', () => {
  test('gives the documented fields, numbers as numbers, and Intuit headers', async () => {
    const code = (await bench.quickBooksConsent()).searchParams.get('code') ?? '';
    const answer = await bench.quickBooksToken({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      token_type: 'bearer',
      access_token: expect.stringMatching(/^eyJ.{997}$/),
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^RT1-\d+-H0-\d{10}.{24}$/),
      x_refresh_token_expires_in: 8_726_400,
    });
    expect(answer.headers.get('intuit_tid')).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('date')).toBe(new Date(bench.clock.now()).toUTCString());
  });

  test('tells the hard expiry only when asked', async () => {
    const asking = { 'x-include-refresh-token-hard-expires-in': 'true' };
    const tokens = await bench.connectQuickBooks(asking);
    expect(tokens.x_refresh_token_hard_expires_in).toBe(157_680_000);
    bench.clock.advance(DAY);
    const refreshed = await bench.quickBooksRefresh(tokens.refresh_token, asking);
    expect(refreshed.body.x_refresh_token_hard_expires_in).toBe(157_593_600);
  });

  test('refuses a second use of the code and kills what the first gave', async () => {
    const code = (await bench.quickBooksConsent()).searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
    const first = await bench.quickBooksToken(form);
    const second = await bench.quickBooksToken(form);
    expect(second.status).toBe(400);
    expect(second.body).toEqual({ error: 'invalid_grant', error_description: 'Invalid authorization code' });
    expect((await bench.companyInfo(first.body.access_token)).status).toBe(401);
    expect((await bench.quickBooksRefresh(first.body.refresh_token)).body.error).toBe('invalid_grant');
  });

  test.for<[string, number, Record<string, string>, number, object]>([
    ['is fine within ten minutes', 599, {}, 200, {}],
    [
      'is refused after ten minutes',
      600,
      {},
      400,
      { error: 'invalid_grant', error_description: 'Invalid authorization code' },
    ],
    [
      'is refused with another redirect URI',
      0,
      { redirect_uri: 'http://localhost:8080/other' },
      400,
      { error: 'invalid_grant', error_description: 'Invalid authorization code' },
    ],
    [
      'is refused with a made-up code (the probe of good keys)',
      0,
      { code: 'bogus' },
      400,
      { error: 'invalid_grant', error_description: 'Invalid authorization code' },
    ],
    ['is refused with an unknown grant type', 0, { grant_type: 'password' }, 400, { error: 'unsupported_grant_type' }],
  ])('%s', async ([, seconds, changed, status, body]) => {
    const code = (await bench.quickBooksConsent()).searchParams.get('code') ?? '';
    bench.clock.advance(seconds);
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...changed };
    const answer = await bench.quickBooksToken(form);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(body);
  });

  test('answers 405 to a GET', async () => {
    expect((await send(`${bench.quickbooks}/oauth2/v1/tokens/bearer`)).status).toBe(405);
  });
});

describe('refresh', () => {
  test('gives the same value for a day, counting down, then another one; the old one is dead at once', async () => {
    const { refresh_token: first } = await bench.connectQuickBooks();
    bench.clock.advance(23 * HOUR);
    const same = await bench.quickBooksRefresh(first);
    expect(same.body).toMatchObject({ refresh_token: first, x_refresh_token_expires_in: 8_643_600 });
    bench.clock.advance(2 * HOUR);
    const rotated = await bench.quickBooksRefresh(first);
    expect(rotated.body.refresh_token).not.toBe(first);
    expect(rotated.body.x_refresh_token_expires_in).toBe(8_726_400);
    const stale = await bench.quickBooksRefresh(first);
    expect(stale.status).toBe(400);
    expect(stale.body).toEqual({ error: 'invalid_grant' });
    expect(stale.headers.get('content-length')).toBe('25');
    expect((await bench.quickBooksRefresh(rotated.body.refresh_token)).status).toBe(200);
  });

  test('leaves earlier access tokens valid until they run out', async () => {
    const tokens = await bench.connectQuickBooks();
    bench.clock.advance(3599);
    await bench.quickBooksRefresh(tokens.refresh_token);
    expect((await bench.companyInfo(tokens.access_token)).status).toBe(200);
    bench.clock.advance(1);
    expect((await bench.companyInfo(tokens.access_token)).status).toBe(401);
  });

  test.for<[string, number, number]>([
    ['is accepted after 99 days without use', 99, 200],
    ['is refused after 100 days without use', 100, 400],
  ])('%s', async ([, days, status]) => {
    const { refresh_token } = await bench.connectQuickBooks();
    bench.clock.advance(days * DAY);
    expect((await bench.quickBooksRefresh(refresh_token)).status).toBe(status);
  });

  test('ends five years after the authorisation, however it was used', async () => {
    let { refresh_token } = await bench.connectQuickBooks();
    for (let uses = 0; uses < 20; uses += 1) {
      bench.clock.advance(90 * DAY);
      refresh_token = (await bench.quickBooksRefresh(refresh_token)).body.refresh_token;
    }
    bench.clock.advance(25 * DAY);
    expect((await bench.quickBooksRefresh(refresh_token)).body).toEqual({
      error: 'invalid_grant',
      error_description: 'Token invalid',
    });
  });

  test.for<[string, 'refresh_token' | 'access_token' | 'other', object, string]>([
    ['a token of the other environment', 'refresh_token', OTHER_QUICKBOOKS, 'Incorrect Token type or clientID'],
    ['an access token', 'access_token', QUICKBOOKS, 'Incorrect Token type or clientID'],
    ['a made-up token', 'other', QUICKBOOKS, 'Incorrect or invalid refresh token'],
  ])('refuses %s in Intuit’s words', async ([, which, client, error_description]) => {
    const tokens = await bench.connectQuickBooks();
    const value = which === 'other' ? 'RT1-made-up' : tokens[which];
    const answer = await bench.quickBooksRefresh(value, basic(client as typeof QUICKBOOKS));
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: 'invalid_grant', error_description });
    expect((await bench.quickBooksRefresh(tokens.refresh_token)).status).toBe(200);
  });

  test('answers 401 invalid_client once the secret was rotated, and the token survives', async () => {
    const { refresh_token } = await bench.connectQuickBooks();
    await bench.admin(bench.quickbooks, 'secret', { clientSecret: 'qb-secret-2' });
    const refused = await bench.quickBooksRefresh(refresh_token);
    expect(refused.status).toBe(401);
    expect(refused.body).toEqual({ error: 'invalid_client' });
    const withNew = basic({ clientId: 'qb-client', clientSecret: 'qb-secret-2' });
    expect((await bench.quickBooksRefresh(refresh_token, withNew)).status).toBe(200);
  });

  test('can write lifetimes as strings', async () => {
    await bench.admin(bench.quickbooks, 'config', { numbersAsStrings: true });
    expect(await bench.connectQuickBooks()).toMatchObject({
      expires_in: '3600',
      x_refresh_token_expires_in: '8726400',
    });
  });
});

describe('two refreshes of one token at once', () => {
  test('the second gets invalid_grant and the first result is revoked', async () => {
    const { refresh_token } = await bench.connectQuickBooks();
    await bench.admin(bench.quickbooks, 'config', { latencyMs: 200 });
    const answers = await Promise.all([bench.quickBooksRefresh(refresh_token), bench.quickBooksRefresh(refresh_token)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400]);
    const winner = answers.find((answer) => answer.status === 200);
    expect((await bench.companyInfo(winner?.body.access_token)).status).toBe(401);
    expect((await bench.quickBooksRefresh(winner?.body.refresh_token)).body.error).toBe('invalid_grant');
    const refreshes = bench.ledger().filter((entry) => entry.grantType === 'refresh_token');
    expect(refreshes.slice(0, 2).map((entry) => entry.inFlight)).toEqual([1, 2]);
  });

  test('the first result lives when punishment is off; the second is still refused', async () => {
    const { refresh_token } = await bench.connectQuickBooks();
    await bench.admin(bench.quickbooks, 'config', { latencyMs: 200, punishConcurrent: false });
    const answers = await Promise.all([bench.quickBooksRefresh(refresh_token), bench.quickBooksRefresh(refresh_token)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400]);
    const winner = answers.find((answer) => answer.status === 200);
    expect((await bench.companyInfo(winner?.body.access_token)).status).toBe(200);
  });

  test('a result whose answer is still on its way is revoked by the second', async () => {
    const { refresh_token } = await bench.connectQuickBooks();
    await bench.admin(bench.quickbooks, 'faults', { endpoint: 'token', kind: 'slow', delayMs: 500 });
    const slow = bench.quickBooksRefresh(refresh_token);
    await until(() => bench.ledger().at(-1)?.outcome === 'slow');
    expect((await bench.quickBooksRefresh(refresh_token)).status).toBe(400);
    expect((await bench.companyInfo((await slow).body.access_token)).status).toBe(401);
  });
});

describe('revoke', () => {
  test.for<[string, 'refresh_token' | 'access_token', 'json' | 'form']>([
    ['the refresh token as JSON', 'refresh_token', 'json'],
    ['the access token as a form', 'access_token', 'form'],
  ])('of %s ends the connection, and a second one gets 400', async ([, which, encoding]) => {
    const tokens = await bench.connectQuickBooks();
    const revoke = () =>
      encoding === 'form'
        ? postForm(`${bench.quickbooks}/v2/oauth2/tokens/revoke`, { token: tokens[which] }, basic(QUICKBOOKS))
        : send(`${bench.quickbooks}/v2/oauth2/tokens/revoke`, {
            method: 'POST',
            headers: { ...basic(QUICKBOOKS), 'content-type': 'application/json' },
            body: JSON.stringify({ token: tokens[which] }),
          });
    expect((await revoke()).status).toBe(200);
    expect((await bench.companyInfo(tokens.access_token)).status).toBe(401);
    expect((await bench.quickBooksRefresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    expect((await revoke()).status).toBe(400);
  });

  test('without Basic is refused', async () => {
    const tokens = await bench.connectQuickBooks();
    const form = { token: tokens.refresh_token, client_id: 'qb-client', client_secret: 'qb-secret' };
    expect((await postForm(`${bench.quickbooks}/v2/oauth2/tokens/revoke`, form, {})).status).toBe(401);
    expect((await bench.companyInfo(tokens.access_token)).status).toBe(200);
  });

  test('by the user in QuickBooks kills the tokens at once', async () => {
    const tokens = await bench.connectQuickBooks();
    expect((await bench.admin(bench.quickbooks, 'revoke', { tenantId: ACME_REALM })).body).toEqual({ disconnected: 1 });
    expect((await bench.companyInfo(tokens.access_token)).status).toBe(401);
    expect((await bench.quickBooksRefresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  });
});

describe('CompanyInfo', () => {
  test('names the company', async () => {
    const { access_token } = await bench.connectQuickBooks();
    const answer = await bench.companyInfo(access_token);
    expect(answer.status).toBe(200);
    expect(answer.body.CompanyInfo).toMatchObject({ CompanyName: 'Acme Books', LegalName: 'Acme Books', Id: '1' });
  });

  test('is XML unless JSON is asked for', async () => {
    const { access_token } = await bench.connectQuickBooks();
    const url = `${bench.quickbooks}/v3/company/${ACME_REALM}/companyinfo/${ACME_REALM}`;
    const answer = await send(url, { headers: { authorization: `Bearer ${access_token}` } });
    expect(answer.headers.get('content-type')).toBe('application/xml;charset=UTF-8');
    expect(answer.body).toContain('<CompanyName>Acme Books</CompanyName>');
  });

  test('answers 401 with code 3200 to an expired token and 403 with 3100 for another company', async () => {
    const { access_token } = await bench.connectQuickBooks();
    const foreign = await bench.companyInfo(access_token, '9341453000000002');
    expect([foreign.status, foreign.body.Fault.Error[0].code]).toEqual([403, '3100']);
    bench.clock.advance(HOUR);
    const expired = await bench.companyInfo(access_token);
    expect([expired.status, expired.body.Fault.Error[0]]).toEqual([
      401,
      {
        Message: 'message=AuthenticationFailed; errorCode=003200; statusCode=401',
        Detail: 'Token expired',
        code: '3200',
      },
    ]);
  });
});

describe('the ledger', () => {
  test('has every request to token and revoke with its outcome and no token', async () => {
    const tokens = await bench.connectQuickBooks();
    bench.clock.advance(25 * HOUR);
    await bench.quickBooksRefresh(tokens.refresh_token);
    await bench.quickBooksRefresh('RT1-made-up');
    const at = bench.clock.now();
    const common = {
      provider: 'quickbooks',
      endpoint: 'token',
      tokenHash: expect.stringMatching(/^[0-9a-f]{12}$/),
      inFlight: 1,
    };
    const entries = (await send(`${bench.quickbooks}/_sim/ledger`)).body.entries;
    expect(entries).toEqual([
      {
        ...common,
        at: at - 25 * HOUR * 1000,
        grantType: 'authorization_code',
        tenantId: ACME_REALM,
        status: 200,
        outcome: 'ok',
        committed: true,
      },
      {
        ...common,
        at,
        grantType: 'refresh_token',
        tenantId: ACME_REALM,
        status: 200,
        outcome: 'ok',
        committed: true,
        rotated: true,
      },
      { ...common, at, grantType: 'refresh_token', status: 400, outcome: 'invalid_grant', committed: false },
    ]);
    expect(at).toBeGreaterThan(START);
    const text = JSON.stringify(entries);
    expect(bench.issuedSecrets().filter((secret) => text.includes(secret))).toEqual([]);
  });
});
