import type { LifecycleEvent } from '../../../lib/domain/lifecycle-event.ts';
import type { TokenOutcome } from '../../../lib/domain/outcome.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import { createPolicies } from '../../../lib/service/policies.ts';
import type { TokenEndpoint } from '../../../lib/service/ports.ts';
import { createHealthMemory, noteOutcome, type ProbePorts } from '../../../lib/service/provider-health.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

type Probed = Awaited<ReturnType<TokenEndpoint['probe']>>;

const LOST: TokenOutcome = { kind: 'UNKNOWN', answer: 'cut', reason: 'response_timeout' };
export const REJECTED: Probed = { kind: 'REJECTED', reason: 'invalid_grant' };
export const REFUSED: Probed = { kind: 'CONFIG', reason: 'invalid_client' };
export const REFUSAL = { admitted: false, kind: 'transient' };

export function ok(sentAt: number): TokenOutcome {
  const tokens = { accessToken: new Secret('a'), tokenType: 'Bearer', expiresInSeconds: 1800, sentAt };
  return { kind: 'OK', tokens };
}

/** Processes that share a store and a clock, and what they did. */
export function createFleet({ autoAdvance = true } = {}) {
  const clock = createFakeClock({ startAt: T0, autoAdvance });
  const memory = createMemoryStore({ now: clock.now });
  const seen = {
    reads: 0,
    commits: 0,
    logged: [] as string[],
    probed: [] as string[],
    emitted: [] as LifecycleEvent[],
  };
  const script = { probe: async (): Promise<Probed> => REJECTED, secret: async () => 'secret-1' };
  const store = {
    readProvider: (provider: 'xero' | 'quickbooks') => {
      seen.reads += 1;
      return memory.readProvider(provider);
    },
    commit: (transaction: Parameters<typeof memory.commit>[0]) => {
      seen.commits += 1;
      return memory.commit(transaction);
    },
  };
  let ids = 0;
  const process = (): ProbePorts => ({
    store,
    clock,
    policies: createPolicies(),
    health: createHealthMemory(),
    count: () => {},
    emit: (event) => seen.emitted.push(event),
    log: (level, message, fields) => seen.logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    providerEnvironment: 'sandbox',
    newId: () => `id-${++ids}`,
    readClient: async (_provider, side, options) => ({
      clientId: `client of ${side}${options?.fresh ? ', fresh' : ''}`,
      clientSecret: new Secret(await script.secret()),
    }),
    endpoint: {
      probe: ({ provider, client }) => {
        seen.probed.push(`${provider} ${client.clientId} ${client.clientSecret.open()}`);
        return script.probe();
      },
    },
  });
  const state = () => memory.readProvider('xero');
  const fail = (ports: ProbePorts, grant: string, outcome = LOST) =>
    noteOutcome(ports, { pk: `xero#${grant}`, provider: 'xero' }, outcome);
  /** Opens the circuit with three grants, each in a process of its own. */
  const open = async () => {
    for (const grant of ['a', 'b', 'c']) await fail(process(), grant);
  };
  return { clock, memory, store, seen, script, process, state, fail, open };
}
