import type { DeveloperKeys } from '../lib/domain/developer-keys.ts';
import { clientSecretName, PROVIDER_IDS, type ProviderEnvironment, type ProviderId } from '../lib/domain/names.ts';
import { routePath } from '../lib/domain/routes.ts';
import type { Assembly } from './assembly/model.ts';
import type { MovableClock } from './clock.ts';
import { createClients, LOCAL_ENVIRONMENT, secretValues, simulatorCredentials } from './seed.ts';
import { type Simulators, startSimulators } from './simulators/server.ts';

/** The side of the providers that the local environment uses; the simulators stand for it. */
const SIDE: ProviderEnvironment = 'sandbox';

/** Whom the platform works with: the simulators, or the providers' own sandboxes with a developer's keys. */
export type ProviderChoice =
  | { readonly kind: 'simulated' }
  | { readonly kind: 'real'; readonly keys: Readonly<Partial<Record<ProviderId, DeveloperKeys>>> };

/** The providers as the platform meets them. */
export interface ProviderSide {
  /** With real providers nothing is listening: no ledger, no secrets issued, and `origins` throws. */
  readonly simulators: Simulators;
  /** What `-c providerOrigins` has to say; absent where the descriptors' own hosts hold. */
  readonly origins?: Simulators['origins'];
  /** The real providers that keys were given for; none when all are simulated. Then time belongs to us, and can be moved. */
  readonly real: readonly ProviderId[];
  /**
   * The value of each secret that the template creates, by name. That of a real provider without keys is left out: whoever
   * reads it is told so, as on AWS (`secret_unavailable`). Throws `AssemblyError` as `seed.ts` does.
   */
  secretValues(secrets: Assembly['secrets']): ReadonlyMap<string, string>;
}

/** Time cannot be moved, because real providers live in real time and would see tokens of the future. */
export class ClockFixedError extends Error {
  constructor() {
    super('the clock cannot be moved: the providers are real and live in real time');
    this.name = 'ClockFixedError';
  }
}

/** Starts the simulators, or makes ready for real providers, to which nothing is sent here. `simulators.stop()` ends both. */
export async function openProviders(choice: ProviderChoice, clock: MovableClock): Promise<ProviderSide> {
  const clients = createClients();
  if (choice.kind === 'simulated') {
    const simulators = await startSimulators({ clock, credentials: simulatorCredentials(clients, SIDE) });
    return {
      simulators,
      origins: simulators.origins,
      real: [],
      secretValues: (secrets) => secretValues(secrets, clients),
    };
  }
  return {
    simulators: NO_SIMULATORS,
    real: PROVIDER_IDS.filter((provider) => choice.keys[provider] !== undefined),
    secretValues(secrets) {
      const values = new Map(secretValues(secrets, clients));
      for (const provider of PROVIDER_IDS) {
        const name = clientSecretName(LOCAL_ENVIRONMENT, provider, SIDE);
        const keys = choice.keys[provider];
        if (keys === undefined) values.delete(name);
        else values.set(name, JSON.stringify({ clientId: keys.clientId, clientSecret: keys.clientSecret.open() }));
      }
      return values;
    },
  };
}

/** The redirect URI to register in the portal of a provider. `apiUrl` is what stands before `/v1`. */
export function redirectUriOf(apiUrl: string, provider: ProviderId): string {
  return `${apiUrl}${routePath('callback', { provider })}`;
}

const NO_SIMULATORS: Simulators = {
  get origins(): Simulators['origins'] {
    throw new Error('no simulators are running: the providers are real');
  },
  ledger: () => [],
  issuedSecrets: () => [],
  stop: async () => {},
};
