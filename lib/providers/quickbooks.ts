import type { ProviderDescriptor } from './descriptor.ts';
import { OAUTH_RULES, TRANSPORT_RULES } from './error-rules.ts';

const DAY_SECONDS = 86_400;

/** Intuit QuickBooks Online; sources of every value in brackets, sections of providers.md. */
export const quickbooks = {
  id: 'quickbooks',
  displayName: 'QuickBooks Online',
  // Authorize, token and revoke are the same for sandbox and production; the client id decides (§1.1).
  origins: {
    authorize: 'https://appcenter.intuit.com',
    token: 'https://oauth.platform.intuit.com',
    revoke: 'https://developer.api.intuit.com',
    api: {
      sandbox: 'https://sandbox-quickbooks.api.intuit.com',
      production: 'https://quickbooks.api.intuit.com',
    },
  },
  paths: {
    authorize: '/connect/oauth2',
    token: '/oauth2/v1/tokens/bearer',
    revoke: '/v2/oauth2/tokens/revoke',
  },
  // Read and write; there is no narrower accounting scope (§1.2).
  scopes: ['com.intuit.quickbooks.accounting'],
  authorizeParameters: {},
  clientAuth: 'basic_raw',
  // Without it the answer does not tell the five-year limit (§1.4).
  tokenHeaders: { 'x-include-refresh-token-hard-expires-in': 'true' },
  tokenResponse: {
    refreshExpiresIn: 'x_refresh_token_expires_in',
    hardExpiresIn: 'x_refresh_token_hard_expires_in',
    refreshTokenOptional: false,
    traceHeader: 'intuit_tid',
  },
  // About every 24 hours; the old value dies at once (§1.6).
  rotation: { kind: 'periodic', graceSeconds: 0 },
  lifetimes: { accessSeconds: 3_600, refreshIdleSeconds: 100 * DAY_SECONDS, hardSeconds: 5 * 365 * DAY_SECONDS },
  margins: { refreshAheadSeconds: 1_800, onDemandSeconds: 300, keepAliveSeconds: 14 * DAY_SECONDS },
  subject: { kind: 'company', callbackParameter: 'realmId' },
  tenants: {
    kind: 'callback',
    // Minor version 75 is the base since 2025-08-01 (§1.9).
    companyName: {
      path: '/v3/company/{tenantId}/companyinfo/{tenantId}?minorversion=75',
      field: ['CompanyInfo', 'CompanyName'],
    },
  },
  tenantTransport: { kind: 'path' },
  // 400 is what an already revoked token gives (§1.8, 4.4).
  disconnect: { kind: 'revoke', encoding: 'json', doneStatuses: [200, 400] },
  errorRules: [
    ...TRANSPORT_RULES,
    // Same code as a dead token, but the cause is ours: keys of the other environment (§4.1 row 4). A code has no such row (§4.2).
    {
      phase: 'refresh',
      status: 400,
      error: 'invalid_grant',
      description: /token type or clientid/i,
      class: 'WRONG_CLIENT',
    },
    ...OAUTH_RULES,
    // Also seen during an outage, so no verdict (§4.1 row 6).
    { status: 400, error: 'invalid_request', class: 'MALFORMED_REQUEST' },
  ],
  throttleSeconds: 60,
} as const satisfies ProviderDescriptor;
