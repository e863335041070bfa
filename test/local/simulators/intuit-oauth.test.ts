import OAuthClient from 'intuit-oauth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClock } from '../../../local/clock.ts';
import { ACME_REALM, Bench, CALLBACK, consent, QUICKBOOKS } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ clock: createClock() });
  await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
});
afterAll(() => bench.stop());

function createClient(): OAuthClient {
  const client = new OAuthClient({
    ...QUICKBOOKS,
    environment: 'sandbox',
    redirectUri: CALLBACK,
    includeRefreshTokenHardExpiresIn: true,
  });
  client.setAuthorizeURLs({
    authorizeEndpoint: `${bench.quickbooks}/connect/oauth2`,
    tokenEndpoint: `${bench.quickbooks}/oauth2/v1/tokens/bearer`,
    revokeEndpoint: `${bench.quickbooks}/v2/oauth2/tokens/revoke`,
    userInfoEndpoint: `${bench.quickbooks}/v1/openid_connect/userinfo`,
  });
  OAuthClient.jwks_uri = `${bench.quickbooks}/op/v1/jwks`;
  return client;
}

test('the official intuit-oauth connects, refreshes, reads CompanyInfo and revokes', async () => {
  const client = createClient();
  const url = client.authorizeUri({ scope: ['com.intuit.quickbooks.accounting', 'openid'], state: 'state-1' });
  const callback = await consent(url, [
    ['decision', 'allow'],
    ['company', ACME_REALM],
  ]);
  const exchanged = await client.createToken(callback.href);
  expect(exchanged.getIntuitTid()).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  const first = { ...client.getToken() };
  expect(first).toMatchObject({
    realmId: ACME_REALM,
    token_type: 'bearer',
    expires_in: 3600,
    x_refresh_token_expires_in: 8_726_400,
    x_refresh_token_hard_expires_in: 157_680_000,
  });
  expect(await client.validateIdToken()).toBe(true);
  expect((await client.getUserInfo()).json).toMatchObject({ email: 'owner@example.com' });

  await client.refresh();
  const second = { ...client.getToken() };
  expect(second.refresh_token).not.toBe(first.refresh_token);
  await expect(client.refreshUsingToken(first.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });

  const companyUrl = `${bench.quickbooks}/v3/company/${ACME_REALM}/companyinfo/${ACME_REALM}`;
  const company = await client.makeApiCall({ url: companyUrl });
  expect(company.json).toMatchObject({ CompanyInfo: { CompanyName: 'Acme Books' } });

  await client.revoke({ refresh_token: second.refresh_token });
  client.setToken(second);
  await expect(client.makeApiCall({ url: companyUrl })).rejects.toMatchObject({ code: '401' });
  await expect(client.refreshUsingToken(second.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
  expect(bench.ledger().map(({ endpoint, outcome, status }) => [endpoint, outcome, status])).toEqual([
    ['token', 'ok', 200],
    ['token', 'ok', 200],
    ['token', 'invalid_grant', 400],
    ['revoke', 'ok', 200],
    ['token', 'invalid_grant', 400],
  ]);
});

test('the official intuit-oauth sees invalid_client as 401', async () => {
  const client = createClient();
  await bench.admin(bench.quickbooks, 'secret', { clientSecret: 'rotated' });
  await expect(client.refreshUsingToken('RT1-any')).rejects.toMatchObject({ error: 'invalid_client' });
});
