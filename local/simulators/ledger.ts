import type { ProviderId } from '../../lib/domain/names.ts';

/** What is known of a request before it is processed. */
export interface LedgerNote {
  readonly endpoint: 'token' | 'revoke' | 'connections';
  readonly grantType?: string;
  /** QuickBooks: the realm id. Xero, on DELETE /connections: the organisation's tenant id. */
  readonly tenantId?: string;
  /** Xero: the user id. */
  readonly subject?: string;
  /** First 12 hex digits of the SHA-256 of the code or token that was presented; never the value. */
  readonly tokenHash?: string;
  /** Requests for the same token family being processed when it arrived, itself included: 1 = alone. */
  readonly inFlight: number;
}

/** One request to a token or revoke endpoint, or a DELETE of a connection, as `GET /_sim/ledger` shows it. */
export interface LedgerEntry extends LedgerNote {
  /** Arrival, epoch milliseconds of the simulated clock. */
  readonly at: number;
  readonly provider: ProviderId;
  /** What the client was (to be) told; 0 when the connection is dropped instead. */
  readonly status: number;
  /** `ok`, the error code, or the kind of the fault that was applied. */
  readonly outcome: string;
  /** Whether the provider changed something, whatever the client got to see of it. */
  readonly committed: boolean;
  /** Refreshes that were processed: whether the refresh token value changed. */
  readonly rotated?: boolean;
}

/** Entries in the order of processing; one stands here before its answer leaves. */
export class Ledger {
  #entries: LedgerEntry[] = [];

  add(entry: LedgerEntry): void {
    this.#entries.push(entry);
  }

  entries(provider?: ProviderId): LedgerEntry[] {
    return this.#entries.filter((entry) => provider === undefined || entry.provider === provider);
  }

  clear(provider: ProviderId): void {
    this.#entries = this.#entries.filter((entry) => entry.provider !== provider);
  }
}
