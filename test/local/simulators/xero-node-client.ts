/**
 * Runs in a child process with the preload of test/support: the official xero-node against the simulator. Prints what
 * it saw as one line of JSON.
 */
import { request } from 'node:http';
import https from 'node:https';
import { XeroClient } from 'xero-node';

const CALLBACK = 'http://localhost:8080/callback';

const client = new XeroClient({
  clientId: process.env.XERO_CLIENT_ID ?? '',
  clientSecret: process.env.XERO_CLIENT_SECRET ?? '',
  redirectUris: [CALLBACK],
  scopes: ['openid', 'profile', 'email', 'offline_access', 'accounting.settings'],
  state: 'state-1',
});

const consentUrl = await client.buildConsentUrl();
const fields = process.env.CONSENT_FORM ?? '';
const exchanged = await client.apiCallback(await allow(consentUrl, fields));
const tenants = await client.updateTenants(true);
const refreshed = await client.refreshToken();
const again = await client.refreshWithRefreshToken(
  process.env.XERO_CLIENT_ID ?? '',
  process.env.XERO_CLIENT_SECRET ?? '',
  refreshed.refresh_token ?? '',
);
await client.disconnect(tenants[0]?.id ?? '');
const left = await client.updateTenants(false);
await client.revokeToken();
client.setTokenSet(again);
const afterRevocation = await client.updateTenants(false);
const staleRefresh = await client.refreshToken().catch((error: { error?: string }) => error.error);

console.log(
  JSON.stringify({
    claims: { sub: exchanged.claims().sub, iss: exchanged.claims().iss },
    tenants: tenants.map((tenant) => [tenant.tenantName, tenant.orgData.name]),
    rotated: new Set([exchanged.refresh_token, refreshed.refresh_token, again.refresh_token]).size,
    tokenType: exchanged.token_type,
    left: left.map((tenant) => tenant.tenantName),
    afterRevocation,
    staleRefresh,
    otherHost: await refusal('https://example.com/'),
    plainOtherHost: await refusal('http://192.0.2.1/'),
  }),
);

/** Answers the consent page as a browser would; gives the callback URL. */
function allow(url: string, form: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const sent = request(url, { method: 'POST', headers }, (answer) => {
      answer.resume();
      resolve(answer.headers.location ?? `no redirect: ${answer.statusCode}`);
    });
    sent.on('error', reject);
    sent.end(form);
  });
}

/** How the preload answers an attempt to reach `url`. */
function refusal(url: string): Promise<string> {
  return new Promise((resolve) => {
    try {
      const sent = url.startsWith('https:') ? https.get(url) : request(url);
      sent.on('error', (error) => resolve(error.message));
      sent.on('response', () => resolve('reached'));
    } catch (error) {
      resolve(error instanceof Error ? error.message : 'unknown');
    }
  });
}
