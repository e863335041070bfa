import type { ProviderDescriptor } from './descriptor.ts';
import { OAUTH_RULES, TRANSPORT_RULES } from './error-rules.ts';

const DAY_SECONDS = 86_400;
const API_ORIGIN = 'https://api.xero.com';

/** Xero; sources of every value in brackets, sections of providers.md. */
export const xero = {
  id: 'xero',
  displayName: 'Xero',
  // Xero has no sandbox hosts: demo companies live beside the real ones (§2.5).
  origins: {
    authorize: 'https://login.xero.com',
    token: 'https://identity.xero.com',
    revoke: 'https://identity.xero.com',
    api: { sandbox: API_ORIGIN, production: API_ORIGIN },
  },
  paths: { authorize: '/identity/connect/authorize', token: '/connect/token', revoke: '/connect/revocation' },
  // Granular, because apps created since 2026-03-02 get no others (§2.5); without offline_access there is no refresh token (§2.2).
  scopes: [
    'openid',
    'profile',
    'email',
    'offline_access',
    'accounting.invoices',
    'accounting.contacts',
    'accounting.settings',
  ],
  authorizeParameters: {},
  clientAuth: 'basic_raw',
  tokenHeaders: {},
  tokenResponse: { refreshTokenOptional: false },
  // The value before the newest is accepted for 30 minutes (§2.2).
  rotation: { kind: 'every_use', graceSeconds: 1_800 },
  lifetimes: { accessSeconds: 1_800, refreshIdleSeconds: 60 * DAY_SECONDS },
  margins: { refreshAheadSeconds: 1_800, onDemandSeconds: 300, keepAliveSeconds: 14 * DAY_SECONDS },
  // One token family per Xero user and app, whatever companies he connects (§2.2).
  subject: { kind: 'user', accessTokenClaim: 'xero_userid' },
  tenants: {
    kind: 'list',
    path: '/connections',
    authorization: { claim: 'authentication_event_id', parameter: 'authEventId' },
    fields: { id: 'tenantId', name: 'tenantName', connectionId: 'id' },
    // Practice tenants (PRACTICEMANAGER…) have no books: the accounting API does not answer for them (§2.2).
    only: { field: 'tenantType', value: 'ORGANISATION' },
  },
  tenantTransport: { kind: 'header', name: 'xero-tenant-id' },
  // Its revocation would remove all companies of the user (§2.4). 404: it was gone already.
  disconnect: { kind: 'detach', path: '/connections/{id}', doneStatuses: [204, 404] },
  errorRules: [...TRANSPORT_RULES, ...OAUTH_RULES],
  throttleSeconds: 60,
} as const satisfies ProviderDescriptor;
