import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { duePartition, type LivingGrant } from '../../../lib/domain/grant.ts';
import { type ProviderState, providerKey } from '../../../lib/domain/provider-state.ts';
import { STANDING_COUNTS } from '../../../lib/domain/standing-counts.ts';
import type { Gauge } from '../../../lib/service/ports.ts';
import { refreshDue, type SweepOptions, type SweepPorts } from '../../../lib/service/refresh-due.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRefreshWorld } from '../../support/refresh-world.ts';

/** The refresh world with what the sweep needs besides: queues, copies of itself, and a provider that can be probed. */
export function createSweepWorld() {
  const world = createRefreshWorld();
  const handed: (readonly string[])[] = [];
  const probed: string[] = [];
  const published: (readonly Gauge[])[] = [];
  /** Counts that are published as 0 beside the gauges. */
  const standing: (readonly Gauge[])[] = [];
  const script = {
    /** What is waiting to be rescued; undefined: cannot be had. */
    rescues: 0 as number | undefined,
    handOver: 'works' as 'works' | 'fails',
    unusableKeys: 0,
  };
  const ports: SweepPorts = {
    ...world.ports,
    endpoint: {
      ...world.ports.endpoint,
      probe: async ({ provider }) => {
        probed.push(provider);
        return { kind: 'REJECTED', reason: 'invalid_grant' };
      },
    },
    publish: async (gauges) => {
      const isStanding = ({ name }: Gauge) => STANDING_COUNTS.some((count) => count.name === name);
      published.push(gauges.filter((gauge) => !isStanding(gauge)));
      standing.push(gauges.filter(isStanding));
    },
    countUnusableKeys: async () => script.unusableKeys,
    providerEnvironment: 'sandbox',
    countRescues: async () => {
      if (script.rescues === undefined) throw new GrantkeeperError('unavailable');
      return script.rescues;
    },
    handOver: async ({ partitions }) => {
      if (script.handOver === 'fails') throw new GrantkeeperError('unavailable');
      handed.push(partitions);
    },
  };

  const sweep = (options: Partial<SweepOptions> = {}) =>
    refreshDue(ports, { deadlineAt: world.clock.now() + 170_000, ...options });

  /** A grant whose access token ran out at T0, due a minute ago, in the partition that its records name. */
  async function givenDue(subject: string, changes: Partial<LivingGrant> = {}, of = quickbooksGrant): Promise<void> {
    const { provider } = of();
    const pk = `${provider}#${subject}` as const;
    const base = of({ pk, subject, lastUsedAt: T0 - HOUR });
    const access = { ...base.access, obtainedAt: T0 - HOUR, expiresAt: T0 };
    const grant = { ...base, access, dueAt: T0 - MINUTE, ...changes };
    await world.given({ ...grant, duePartition: changes.duePartition ?? duePartition(grant) });
  }

  async function givenState(state: Partial<ProviderState>, provider: ProviderState['provider'] = 'quickbooks') {
    const key = { pk: providerKey(provider) };
    await world.store.commit({
      token: `state-${JSON.stringify(state)}`.slice(0, 36),
      writes: [{ table: 'grants', key, when: [], op: 'put', item: { v: 1, ...key, provider, ...state } }],
    });
  }

  return Object.assign({}, world, {
    ports,
    handed,
    probed,
    published,
    standing,
    sweepScript: script,
    sweep,
    givenDue,
    givenState,
  });
}

export type SweepWorld = ReturnType<typeof createSweepWorld>;
