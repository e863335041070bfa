import { suspectPartitions } from '../domain/grant.ts';
import type { ProviderId } from '../domain/names.ts';
import { decideObservation, isWorthObserving } from '../domain/observe-decision.ts';
import type { GrantsByStatus } from '../domain/provider-state.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { CountRescues, LogOutcome, Store } from './ports.ts';

/** Nobody waits for it longer; the next look is a minute away. */
const WRITE_MS = 5_000;

export interface ObservePorts extends PersistPorts {
  readonly store: Pick<Store, 'readProvider' | 'countPartition' | 'commit'>;
  readonly countRescues: CountRescues;
  readonly log: LogOutcome;
}

/** How a provider's grants stand, by the index. */
export interface Observed {
  readonly suspects: number;
  readonly frozen: boolean;
  /** As the daily scan last counted them; absent before it did. */
  readonly grantsByStatus?: GrantsByStatus;
}

/**
 * One look at a provider: counts its suspects, and while there are any also what waits to be rescued, and writes both to its
 * state. Without suspects it reads five times and writes nothing. Throws `unavailable` when they could not be counted: then
 * what is known of the provider grows old, and nobody is given up on it.
 */
export async function observe(ports: ObservePorts, provider: ProviderId): Promise<Observed> {
  const [state, suspects] = await Promise.all([ports.store.readProvider(provider), countSuspects(ports, provider)]);
  const counts = state?.grantsByStatus === undefined ? {} : { grantsByStatus: state.grantsByStatus };
  if (!isWorthObserving(state, suspects)) return { suspects, frozen: false, ...counts };
  const rescues = await rescuesOrUnknown(ports, provider);
  const now = ports.clock.now();
  const { transaction, ...observation } = decideObservation(state, provider, { suspects, rescues, now });
  const { committed } = await persist(ports, transaction, now + WRITE_MS);
  if (committed) tell(ports, provider, observation);
  return { suspects, frozen: observation.frozen, ...counts };
}

async function countSuspects({ store }: ObservePorts, provider: ProviderId): Promise<number> {
  const counts = await Promise.all(suspectPartitions(provider).map((partition) => store.countPartition(partition)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function rescuesOrUnknown(ports: ObservePorts, provider: ProviderId): Promise<number | undefined> {
  try {
    return await ports.countRescues();
  } catch (error) {
    ports.log('warn', 'tokens waiting to be rescued could not be counted', {
      provider,
      error: error instanceof Error ? error.name : 'unknown',
    });
    return undefined;
  }
}

function tell(
  { log }: ObservePorts,
  provider: ProviderId,
  { change, suspects }: Omit<ReturnType<typeof decideObservation>, 'transaction'>,
): void {
  const fields = { provider, count: suspects };
  if (change === 'frozen') log('error', 'so many grants are suspect that none is given up', fields);
  if (change === 'thawed') log('info', 'no longer so many grants are suspect: verdicts count again', fields);
}
