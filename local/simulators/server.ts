import type { ProviderId } from '../../lib/domain/names.ts';
import type { MovableClock } from '../clock.ts';
import type { ClientCredentials } from './clients.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { type Listener, listenOnLoopback } from './listener.ts';
import { createQuickBooks } from './quickbooks.ts';
import { Station } from './station.ts';
import { createXero } from './xero.ts';

/** Our keys at a provider. `others` are keys of the other environment: valid, but they own none of our tokens. */
export type AppCredentials = ClientCredentials & { readonly others?: readonly ClientCredentials[] };

export interface SimulatorOptions {
  /** Every lifetime follows it. Latency and slow answers are real time. */
  readonly clock: MovableClock;
  /** Intuit listens here and Xero on the next port; free ports without it. */
  readonly port?: number;
  readonly credentials: Readonly<Record<ProviderId, AppCredentials>>;
  /** Exact redirect URIs per provider; absent = any https address and http on localhost. */
  readonly redirectUris?: Partial<Readonly<Record<ProviderId, readonly string[]>>>;
}

export interface Simulators {
  /** `http://localhost:<port>`; every path of the provider and the admin surface `/_sim/*` is under it. */
  readonly origins: Readonly<Record<ProviderId, string>>;
  /** Both providers, in the order of processing. */
  ledger(): LedgerEntry[];
  /** Every code, token and client secret of both providers since the start. */
  issuedSecrets(): string[];
  stop(): Promise<void>;
}

/** Starts Intuit and Xero on loopback. Rejects when a port is taken. */
export async function startSimulators(options: SimulatorOptions): Promise<Simulators> {
  const ledger = new Ledger();
  const common = { clock: options.clock, ledger };
  const stations = {
    quickbooks: new Station({ ...common, ...ofProvider(options, 'quickbooks'), create: createQuickBooks }),
    xero: new Station({ ...common, ...ofProvider(options, 'xero'), create: createXero }),
  };
  const intuit = await openStation(stations.quickbooks, options.port ?? 0);
  const xero = await openStation(stations.xero, options.port ? options.port + 1 : 0).catch(async (error: unknown) => {
    await intuit.stop();
    throw error;
  });
  return {
    origins: { quickbooks: originOf(intuit), xero: originOf(xero) },
    ledger: () => ledger.entries(),
    issuedSecrets: () => [...stations.quickbooks.issuedSecrets(), ...stations.xero.issuedSecrets()],
    async stop() {
      await Promise.all([intuit.stop(), xero.stop()]);
    },
  };
}

function ofProvider(options: SimulatorOptions, provider: ProviderId) {
  const redirectUris = options.redirectUris?.[provider];
  return { provider, credentials: options.credentials[provider], ...(redirectUris ? { redirectUris } : {}) };
}

async function openStation(station: Station, port: number): Promise<Listener> {
  const listener = await listenOnLoopback(port, station.handle);
  station.open(originOf(listener));
  return {
    port: listener.port,
    async stop() {
      station.close();
      await listener.stop();
    },
  };
}

function originOf({ port }: Listener): string {
  return `http://localhost:${port}`;
}
