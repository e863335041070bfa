import type { GrantKey, Instant } from './grant.ts';
import type { ProviderId } from './names.ts';

/** An organisation's link to one company in one accounting system, served by a grant. One per organisation and system. */
export interface Connection {
  readonly v: 1;
  readonly pk: `ORG#${string}`;
  readonly sk: ProviderId;
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly status: 'connected' | 'tenant_lost' | 'disconnected';
  /** +1 per link or disconnect; a flow pins it. */
  readonly version: number;
  /** ULID of the link; the claim carries the same. */
  readonly linkId: string;
  readonly grant: GrantKey;
  readonly tenantId: string;
  /** Xero's id of the app's connection to the tenant; needed to detach it. */
  readonly providerConnectionId?: string;
  readonly companyName?: string;
  readonly connectedAt: Instant;
  readonly connectedBy?: string;
  readonly disconnectedAt?: Instant;
}

/** Which organisation holds a company. There is at most one. */
export interface Claim {
  readonly v: 1;
  readonly pk: `CLAIM#${ProviderId}#${string}`;
  readonly sk: 'claim';
  readonly organizationId: string;
  readonly linkId: string;
}

/** Key of an organisation's connection to a system. */
export function connectionKey(organizationId: string, provider: ProviderId): { pk: Connection['pk']; sk: ProviderId } {
  return { pk: `ORG#${organizationId}`, sk: provider };
}

/** Key of the claim on a company. */
export function claimKey(provider: ProviderId, tenantId: string): { pk: Claim['pk']; sk: 'claim' } {
  return { pk: `CLAIM#${provider}#${tenantId}`, sk: 'claim' };
}
