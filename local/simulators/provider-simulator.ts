import type { ProviderId } from '../../lib/domain/names.ts';
import type { Clients } from './clients.ts';
import type { Reply, Route, SimRequest } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { Mint } from './mint.ts';
import type { Settings } from './settings.ts';

/** What a simulated provider is given; all of it but the mint is new after a reset. */
export interface SimulatorParts {
  readonly clients: Clients;
  readonly mint: Mint;
  readonly settings: Settings;
  readonly now: () => number;
  /** Where it listens, as its clients write it. */
  readonly origin: string;
  /** Exact redirect URIs; absent = whatever a development app may use. */
  readonly redirectUris?: readonly string[];
}

/** One provider: its routes and the manners of its answers. */
export interface ProviderSimulator {
  readonly provider: ProviderId;
  readonly routes: readonly Route[];
  /** Headers that stand on every answer of the provider to this request. */
  headers(request: SimRequest): Readonly<Record<string, string>>;
  /** The provider-like body of a `status` or `error_json` fault. */
  faultReply(fault: Fault, request: SimRequest): Reply;
  /** The user disconnects in the provider's own pages. How many connections ended; undefined = no such tenant. */
  disconnectTenant(tenantId: string): number | undefined;
}
