import type { ErrorRule } from './descriptor.ts';

/**
 * What holds for every answer whatever its body says, so it stands before a provider's own rules. Rows 17, 13, 14 and 12
 * of providers.md §4.1.
 */
export const TRANSPORT_RULES = [
  { status: [300, 399], class: 'REDIRECTED' },
  { status: 408, class: 'THROTTLED' },
  { status: 425, class: 'THROTTLED' },
  { status: 429, class: 'THROTTLED' },
  // Even where the body says invalid_grant: seen in Intuit's outages (QuickBooks-V3-DotNET-SDK #342).
  { status: [500, 599], class: 'SERVER_ERROR' },
  { status: 401, error: null, class: 'EDGE_REFUSED' },
  { status: 403, error: null, class: 'EDGE_REFUSED' },
] as const satisfies readonly ErrorRule[];

/**
 * The errors of RFC 6749 §5.2 that mean the same everywhere; they stand after a provider's own rules. Rows 2, 7, 10 and 11
 * of providers.md §4.1, and 4.2. `error` decides, not the status: providers differ in it (providers.md §2.3).
 */
export const OAUTH_RULES = [
  { status: 400, error: 'invalid_grant', class: 'GRANT_REJECTED' },
  { status: [400, 403], error: 'invalid_client', class: 'CLIENT_REFUSED' },
  {
    status: [400, 403],
    error: ['unauthorized_client', 'unsupported_grant_type', 'invalid_scope'],
    class: 'REGISTRATION',
  },
] as const satisfies readonly ErrorRule[];
