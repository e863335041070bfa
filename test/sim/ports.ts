import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { METRICS } from '../../lib/domain/names.ts';
import type { DisconnectPorts } from '../../lib/service/disconnect.ts';
import type { FinishConnectPorts } from '../../lib/service/finish-connect.ts';
import type { GetTokenPorts } from '../../lib/service/get-access-token.ts';
import { createPolicies, type Policies } from '../../lib/service/policies.ts';
import type { Cipher, HandOver, LogOutcome, RequestRefresh } from '../../lib/service/ports.ts';
import { createHealthMemory } from '../../lib/service/provider-health.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { createSingleFlight } from '../../lib/service/single-flight.ts';
import type { SimContext } from './context.ts';
import { directoryOf } from './directory.ts';
import { SimEndpoint } from './endpoint.ts';
import type { Process } from './process.ts';
import { GRACE_MS, type Rotation } from './provider.ts';
import { storeOf } from './store.ts';

/** Everything any function is given. */
export type SimPorts = SweepPorts & FinishConnectPorts & DisconnectPorts & GetTokenPorts;

/** How one function asks another. */
export interface Invoking {
  readonly requestRefresh: RequestRefresh;
  readonly handOver: HandOver;
}

/** The ports of one process. Each of their calls takes time, may fail, and may be the last thing the process does. */
export function portsOf(context: SimContext, process: Process, invoking: Invoking): SimPorts {
  const { random, line, mutant, client } = context;
  const ports: SimPorts = {
    store: storeOf(context, process),
    cipher: cipherOf(context, process),
    clock: context.clockOf(process),
    endpoint: new SimEndpoint(context, process),
    tenants: directoryOf(context, process),
    readClient: client.readClientOf(process),
    policies: policiesFor(context.provider.rotation),
    rescueQueue: line.queueOf(process),
    countRescues: line.countOf(process),
    ...invoking,
    health: createHealthMemory(),
    singleFlight: createSingleFlight(),
    count(name) {
      if (name !== METRICS.tokenAtRisk) return;
      context.situations.saw('token_at_risk');
      // The store was out of order to the last second, and so was the queue, or it would have been put there.
      context.custody.gaveUp(process, context.weather.isOn('queue'));
    },
    emit: () => undefined,
    publish: async () => undefined,
    countUnusableKeys: async () => 0,
    log: logOf(context),
    newId: () => context.newId(process),
    random: random.next,
    providerEnvironment: 'sandbox',
    apiBaseUrl: () => '',
    allowSharedGrants: true,
    remembered: new Map(),
  };
  return mutant.ports?.(ports, process) ?? ports;
}

/** The descriptors' own, with the grace of the provider that is simulated. */
export function policiesFor(rotation: Rotation): Policies {
  const known = POLICIES.get(rotation);
  if (known !== undefined) return known;
  const policies = createPolicies();
  const graceSeconds = rotation === 'grace' ? GRACE_MS / 1000 : 0;
  const made: Policies = (provider) => ({ ...policies(provider), graceSeconds });
  POLICIES.set(rotation, made);
  return made;
}

const POLICIES = new Map<Rotation, Policies>();

function cipherOf({ cipher, scheduler, weather, situations }: SimContext, process: Process): Cipher {
  async function asked(): Promise<void> {
    await scheduler.gate(process, 2);
    if (!weather.isOn('kms') && !weather.strikes('kms')) return;
    situations.saw('kms_failed');
    throw new GrantkeeperError('unavailable');
  }
  return {
    async arm(arming) {
      await asked();
      return await cipher.arm(arming);
    },
    async open(sealed, sealing) {
      await asked();
      return await cipher.open(sealed, sealing);
    },
  };
}

function logOf(context: SimContext): LogOutcome {
  return (level, message, fields) => {
    context.onPlain('log', fields);
    if (message === 'circuit opened')
      context.situations.saw(`${fields.kind === 'config' ? 'config_breaker' : 'circuit'}_opened`);
    if (message === 'circuit closed') context.situations.saw('circuit_closed');
    context.tell(() => `${level}: ${message} ${fields.outcome ?? ''} ${fields.reason ?? ''}`);
  };
}
