import type { ProviderId } from './names.ts';

/** Epoch milliseconds. Every instant in a record is one. */
export type Instant = number;

/** `<provider>#<subject>`: realmId at QuickBooks, xero_userid at Xero. */
export type GrantKey = `${ProviderId}#${string}`;

/** What became of one request to a token endpoint (design §5.3). */
export type OutcomeKind = 'OK' | 'NOT_SENT' | 'UNKNOWN' | 'REJECTED' | 'CONFIG' | 'THROTTLED';
