import { expect, test } from 'vitest';
import { authorizationUrl } from '../../../lib/oauth/authorization-url.ts';
import { PROVIDERS, providerHosts } from '../../../lib/providers/index.ts';

const REDIRECT_URI = 'https://api.example/api/v1/oauth/quickbooks/callback';

test('the browser goes to QuickBooks with everything it needs', () => {
  const url = authorizationUrl({
    descriptor: PROVIDERS.quickbooks,
    hosts: providerHosts('quickbooks', 'production'),
    clientId: 'id+1',
    redirectUri: REDIRECT_URI,
    state: 'v1.k.p.s',
  });
  expect(url).toBe(
    'https://appcenter.intuit.com/connect/oauth2?client_id=id%2B1&response_type=code&scope=com.intuit.quickbooks.accounting&redirect_uri=https%3A%2F%2Fapi.example%2Fapi%2Fv1%2Foauth%2Fquickbooks%2Fcallback&state=v1.k.p.s',
  );
});

test('the browser goes to Xero with its scopes apart by %20', () => {
  const url = authorizationUrl({
    descriptor: PROVIDERS.xero,
    hosts: providerHosts('xero', 'sandbox', { xero: 'http://localhost:9002' }),
    clientId: 'id',
    redirectUri: 'http://localhost:8080/callback',
    state: 's',
  });
  expect(url).toBe(
    'http://localhost:9002/identity/connect/authorize?client_id=id&response_type=code&scope=openid%20profile%20email%20offline_access%20accounting.invoices%20accounting.contacts%20accounting.settings&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&state=s',
  );
});

test('parameters of a provider are added and replace none of ours', () => {
  const descriptor = { ...PROVIDERS.xero, authorizeParameters: { acr_values: 'bulk_connect:false', state: 'theirs' } };
  const url = new URL(
    authorizationUrl({
      descriptor,
      hosts: providerHosts('xero', 'sandbox'),
      clientId: 'id',
      redirectUri: REDIRECT_URI,
      state: 'ours',
    }),
  );
  expect([url.searchParams.get('acr_values'), url.searchParams.getAll('state')]).toEqual([
    'bulk_connect:false',
    ['ours'],
  ]);
});
