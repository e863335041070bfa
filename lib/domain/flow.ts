import type { ErrorCode } from './errors.ts';
import type { GrantKey, Instant } from './grant.ts';
import type { ProviderId } from './names.ts';

/**
 * A connect flow from session to result. Stages only move forward:
 * session → authorizing (the callback spent the session) → exchanging (the code is being sent, once) → exchanged (banked)
 * → choosing (several companies, the user picks) → linked; failed from any of them. `confirming` belongs to connectBinding
 * "confirmation".
 */
export type FlowStage =
  | 'session'
  | 'authorizing'
  | 'confirming'
  | 'exchanging'
  | 'exchanged'
  | 'choosing'
  | 'linked'
  | 'failed';

/** A company an authorisation covers, as the provider lists it. */
export interface Tenant {
  readonly tenantId: string;
  readonly name?: string;
  /** Xero's id of the app's connection to it. */
  readonly providerConnectionId?: string;
}

export interface Flow {
  readonly v: 1;
  /** ULID; public as `session_id`. */
  readonly pk: string;
  readonly stage: FlowStage;
  readonly organizationId: string;
  readonly provider: ProviderId;
  /** SHA-256 (hex) of the secret in the connect link; absent in open access. */
  readonly sessionHash?: string;
  readonly userId?: string;
  readonly expectedTenantId?: string;
  /** Version of the connection when the flow began, 0 when there was none; linking requires it unchanged. */
  readonly pinnedVersion: number;
  readonly redirectUri: string;
  readonly returnUrl?: string;
  /** SHA-256 (hex) of the browser cookie that came back to the callback. */
  readonly cookieHash?: string;
  /** Where the tokens of this flow were banked. */
  readonly grant?: GrantKey;
  readonly tenants?: readonly Tenant[];
  readonly error?: ErrorCode;
  readonly company?: { readonly tenantId: string; readonly name?: string };
  readonly createdAt: Instant;
  /** Compared by every read and condition; `ttl` only tidies up. */
  readonly expiresAt: Instant;
  /** Epoch seconds. */
  readonly ttl: number;
}
