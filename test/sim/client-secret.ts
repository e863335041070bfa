import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { ReadClient } from '../../lib/service/ports.ts';
import { MINUTE } from '../support/grants.ts';
import type { Process } from './process.ts';
import { PLAINTEXT } from './provider.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sightings } from './situations.ts';
import type { Weather } from './weather.ts';

/** How long a process goes on with what it read (lib/aws/secrets.ts). */
const CACHED_MS = 5 * MINUTE;

export type ClientSecret = ReturnType<typeof createClientSecret>;

interface World {
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly situations: Sightings;
}

/**
 * Our client secret: as the provider accepts it, as the secret store has it, and as a warm process still remembers it.
 */
export function createClientSecret({ scheduler, weather, situations }: World) {
  let accepted = 1;
  let stored = 1;
  let storedAt = Number.NEGATIVE_INFINITY;
  const secret = (version: number) => `${PLAINTEXT}-secret-${version}`;
  return {
    accepted: () => secret(accepted),
    /** At the provider; until it is stored here, our client is refused. */
    rotate(): void {
      accepted += 1;
    },
    /** The operator puts the new one where it belongs. */
    store(): void {
      if (stored !== accepted) storedAt = scheduler.now();
      stored = accepted;
    },
    isRight: () => stored === accepted,
    /** When no process can remember the old one any more. */
    settledAt: () => storedAt + CACHED_MS,
    readClientOf:
      (process: Process): ReadClient =>
      async (_provider, _environment, options) => {
        await scheduler.gate(process, 2);
        if (weather.isOn('secrets') || weather.strikes('secrets')) {
          situations.saw('secrets_failed');
          throw new GrantkeeperError('secret_unavailable');
        }
        const isWarm = options?.fresh !== true && scheduler.now() < storedAt + CACHED_MS;
        return { clientId: 'client-1', clientSecret: new Secret(secret(isWarm ? stored - 1 : stored)) };
      },
  };
}
