import type { Instant } from '../domain/grant.ts';
import { METRICS, type ProviderId } from '../domain/names.ts';
import type { Look } from './due-look.ts';
import { type ObservePorts, observe } from './observe.ts';
import type { CountUnusableKeys, Gauge, LogOutcome, PublishGauges } from './ports.ts';
import { type Admission, type ProbePorts, probeIfDue } from './provider-health.ts';
import { ALL_PARTITIONS, providerOf } from './sweep-shares.ts';

/**
 * What one run of the schedule finds of the fleet, for the alarms. A measure that fails is left out and never taken for a
 * zero; none of them, nor their publishing, keeps anybody from being refreshed.
 */

/** A sweep comes every minute: what is due for longer was not done by the one before. */
const OVERDUE_MS = 60_000;

type FleetPorts = ObservePorts & ProbePorts;

/** Publishes in one go what has been measured, once all of it has. Never rejects. */
export async function publishGauges(
  { publish, log }: { readonly publish: PublishGauges; readonly log: LogOutcome },
  measuring: readonly (readonly Gauge[] | Promise<readonly Gauge[]>)[],
): Promise<void> {
  try {
    const gauges = (await Promise.all(measuring)).flat();
    if (gauges.length > 0) await publish(gauges);
  } catch (error) {
    log('error', 'gauges could not be published', { error: nameOf(error) });
  }
}

/** Whether our own keys can be used. Never rejects. */
export async function measureKeys(ports: {
  readonly countUnusableKeys: CountUnusableKeys;
  readonly log: LogOutcome;
}): Promise<readonly Gauge[]> {
  try {
    return [{ name: METRICS.keysUnusable, value: await ports.countUnusableKeys() }];
  } catch (error) {
    ports.log('error', 'it could not be found out whether our keys can be used', { error: nameOf(error) });
    return [];
  }
}

/** Observes a provider and probes it if that is due, and answers how it stands. Never rejects; takes up to 20 s. */
export async function measureProvider(ports: FleetPorts, provider: ProviderId): Promise<readonly Gauge[]> {
  const [observed, health] = await Promise.all([measureGrants(ports, provider), measureCircuit(ports, provider)]);
  return [...observed, ...health];
}

/** How many grants of the provider the look found overdue; nothing where it did not see them all. */
export function measureOverdue({ found }: Pick<Look, 'found'>, provider: ProviderId, now: Instant): readonly Gauge[] {
  const partitions = ALL_PARTITIONS.filter((partition) => providerOf(partition) === provider);
  if (!partitions.every((partition) => found.has(partition))) return [];
  const entries = partitions.flatMap((partition) => found.get(partition) ?? []);
  const value = entries.filter(({ dueAt }) => now - dueAt > OVERDUE_MS).length;
  return [{ name: METRICS.overdueGrants, value, provider }];
}

async function measureGrants(ports: FleetPorts, provider: ProviderId): Promise<readonly Gauge[]> {
  try {
    const { suspects, frozen, grantsByStatus } = await observe(ports, provider);
    return [
      { name: METRICS.suspects, value: suspects, provider },
      { name: METRICS.verdictsFrozen, value: frozen ? 1 : 0, provider },
      ...Object.entries(grantsByStatus ?? {}).map(([outcome, value]) => ({
        name: METRICS.grants,
        value,
        provider,
        outcome,
      })),
    ];
  } catch (error) {
    ports.log('error', 'a provider could not be observed', { provider, error: nameOf(error) });
    return [];
  }
}

async function measureCircuit(ports: FleetPorts, provider: ProviderId): Promise<readonly Gauge[]> {
  const admission = await probeIfDue(ports, provider);
  if (admission.admitted && !isKnown(ports, provider)) return [];
  return [
    { name: METRICS.circuitOpen, value: admission.admitted ? 0 : 1, provider },
    { name: METRICS.configRefused, value: isRefused(admission) ? 1 : 0, provider },
  ];
}

/** A state that cannot be read admits, and says nothing. */
function isKnown({ health, clock }: FleetPorts, provider: ProviderId): boolean {
  return health.recall(provider, clock.now()) !== undefined;
}

function isRefused(admission: Admission): boolean {
  return !admission.admitted && admission.kind === 'config';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
