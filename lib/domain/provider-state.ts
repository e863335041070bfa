import type { GrantStatus } from './grant.ts';
import type { ProviderId } from './names.ts';
import type { GrantKey, Instant } from './terms.ts';

/**
 * What the fleet knows of one provider: whether it is sent to at all (circuit), and whether a rejection may be believed
 * (evidence). One item in the grants table; every part is optional, because each is written on its own and the first write
 * of any of them creates the item.
 */
export interface ProviderState {
  readonly v: 1;
  readonly pk: ProviderKey;
  readonly provider: ProviderId;

  /** +1 with each write to the circuit, which is conditional on it. */
  readonly circuitVersion?: number;
  /** Distinct grants whose requests failed one after the other, since the last answer that showed the provider at work. */
  readonly failing?: readonly GrantKey[];
  /** Until when the most patient 429 among those asked us to wait. */
  readonly throttledUntil?: Instant;
  /** Distinct grants for which our client was refused, since the last answer that accepted it. */
  readonly misconfigured?: readonly GrantKey[];
  /** Absent while the circuit is closed. */
  readonly circuit?: OpenCircuit;
  /** When it last closed; the sweep starts again slowly from then. */
  readonly closedAt?: Instant;

  /** When the latest refresh that succeeded was sent; written at most once a minute. */
  readonly lastSuccessAt?: Instant;

  /** When the sweep last looked at what follows. */
  readonly observedAt?: Instant;
  /** Suspects counted then. */
  readonly suspects?: number;
  /** More suspects than a provider's bad day explains: nobody is given up. */
  readonly frozen?: boolean;
  /** Since when every look found rescue queue and dead-letter queue empty. */
  readonly queuesEmptySince?: Instant;
  /** Living grants of the provider, counted by the daily scan. */
  readonly grants?: number;
  /** All its grants by status, counted with them; absent on an item that was written before they were. */
  readonly grantsByStatus?: GrantsByStatus;
  readonly countedAt?: Instant;
}

export type GrantsByStatus = Readonly<Record<GrantStatus, number>>;

export type ProviderKey = `PROVIDER#${ProviderId}`;

/** `transient`: it does not answer. `throttled`: it answers 429 to everybody. `config`: it refuses our client. */
export type CircuitKind = 'transient' | 'throttled' | 'config';

export interface OpenCircuit {
  readonly kind: CircuitKind;
  readonly openedAt: Instant;
  /** Not before then may the sweep probe. */
  readonly probeAt: Instant;
}

/** Key of a provider's item in the grants table. */
export function providerKey(provider: ProviderId): ProviderKey {
  return `PROVIDER#${provider}`;
}
