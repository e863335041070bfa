import {
  type Admission,
  admits,
  type CircuitDecision,
  decideProbe,
  decideProbed,
  decideSign,
  decideSuccess,
  signOf,
  signOfProbe,
} from '../domain/circuit.ts';
import type { Instant } from '../domain/grant.ts';
import type { ProviderEnvironment, ProviderId } from '../domain/names.ts';
import type { TokenOutcome } from '../domain/outcome.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import type { GrantKey } from '../domain/terms.ts';
import type { Transaction } from '../domain/write.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { EmitEvent, LogOutcome, ReadClient, Store, TokenEndpoint } from './ports.ts';
import { begin, waitFor } from './work.ts';

/**
 * What the fleet knows of a provider, shared through one item: asked before each refresh, told after it. All of it is
 * bookkeeping: when it cannot be read refreshes go on, and when it cannot be written nobody waits for it.
 */

export type { Admission } from '../domain/circuit.ts';

/** A state that was read may be this old; a circuit that has opened meanwhile costs as many sends as start in that time. */
const CACHED_MS = 5_000;
/** After a refresh has been stored, at most this long is spent on saying how it went. */
const NOTE_MS = 2_000;
/** Decisions on an item that others write at the same time; each failed one is somebody else's success. */
const MAX_DECISIONS = 3;

/** What one process has read of the providers, for five seconds. */
export interface HealthMemory {
  /** Undefined when nothing was read lately; `state` is absent for a provider of which nothing is known yet. */
  recall(provider: ProviderId, now: Instant): { readonly state?: ProviderState } | undefined;
  remember(provider: ProviderId, state: ProviderState | undefined, now: Instant): void;
}

export interface HealthPorts extends PersistPorts {
  readonly store: Pick<Store, 'readProvider' | 'commit'>;
  readonly policies: Policies;
  readonly health: HealthMemory;
  readonly log: LogOutcome;
  readonly emit: EmitEvent;
}

export interface ProbePorts extends HealthPorts {
  readonly endpoint: Pick<TokenEndpoint, 'probe'>;
  readonly readClient: ReadClient;
  /** Whose client is probed with. */
  readonly providerEnvironment: ProviderEnvironment;
  /** A new ULID. */
  readonly newId: () => string;
}

/** An empty memory; one per process. */
export function createHealthMemory(): HealthMemory {
  const read = new Map<ProviderId, { readonly state?: ProviderState; readonly at: Instant }>();
  return {
    recall(provider, now) {
      const entry = read.get(provider);
      return entry !== undefined && entry.at <= now && now - entry.at < CACHED_MS ? entry : undefined;
    },
    remember(provider, state, at) {
      read.set(provider, state === undefined ? { at } : { state, at });
    },
  };
}

/** Whether a grant of the provider may be refreshed now. A state that cannot be read admits. Never throws. */
export async function admission(ports: HealthPorts, provider: ProviderId): Promise<Admission> {
  try {
    return admits(await recentState(ports, provider), ports.clock.now());
  } catch {
    return { admitted: true };
  }
}

/**
 * Tells what became of a request with a grant's token: only an outcome of the token endpoint itself, never a failure of ours
 * before it was asked. Writes when that changes something (a healthy fleet: once a minute). Never throws.
 */
export async function noteOutcome(
  ports: HealthPorts,
  { pk, provider }: { readonly pk: GrantKey; readonly provider: ProviderId },
  outcome: TokenOutcome,
): Promise<void> {
  const deadlineAt = ports.clock.now() + NOTE_MS;
  const sign = signOf(outcome);
  const retryAfterSeconds = askedSeconds(outcome);
  const decide = (state: ProviderState | undefined) => {
    const told = { grant: pk, sign, retryAfterSeconds, now: ports.clock.now() };
    return decideSign(state, provider, told, ports.policies(provider).circuit);
  };
  const successOn = (state: ProviderState | undefined) =>
    outcome.kind === 'OK' ? decideSuccess(state, provider, outcome.tokens.sentAt) : undefined;
  const saysNothing = (state: ProviderState | undefined) =>
    successOn(state) === undefined && decide(state) === undefined;
  const recalled = ports.health.recall(provider, ports.clock.now());
  if (recalled !== undefined && saysNothing(recalled.state)) return;
  const note = async () => {
    await noteSuccess(ports, provider, successOn, deadlineAt);
    if (decide(await recentState(ports, provider)) === undefined) return;
    await change(ports, provider, decide, deadlineAt, outcome.kind === 'OK' ? undefined : outcome.reason);
  };
  // What it could not say in time the next outcome says.
  await waitFor(ports.clock, begin(note), deadlineAt);
}

/**
 * For the sweep, before it works on a provider: probes when a probe is due and nobody else has claimed it, and says whether
 * grants may be refreshed now. Takes up to 20 s. Never throws.
 */
export async function probeIfDue(ports: ProbePorts, provider: ProviderId): Promise<Admission> {
  try {
    const state = await readState(ports, provider);
    const claimed = await claim(ports, provider, state);
    return admits(claimed === undefined ? state : await probe(ports, claimed), ports.clock.now());
  } catch {
    return await admission(ports, provider);
  }
}

async function noteSuccess(
  ports: HealthPorts,
  provider: ProviderId,
  decide: (state: ProviderState | undefined) => Transaction | undefined,
  deadlineAt: Instant,
): Promise<void> {
  const transaction = decide(await recentState(ports, provider));
  if (transaction === undefined) return;
  await persist(ports, transaction, deadlineAt);
  // Written by us or, if the condition failed, by somebody else.
  await readState(ports, provider);
}

async function claim(ports: ProbePorts, provider: ProviderId, state: ProviderState | undefined) {
  if (state === undefined) return undefined;
  const id = ports.newId();
  const now = ports.clock.now();
  const decision = decideProbe(state, { id, now }, ports.policies(provider).circuit);
  if (decision === undefined) return undefined;
  const { committed } = await persist(ports, decision.transaction, now + NOTE_MS);
  if (!committed) return undefined;
  ports.health.remember(provider, decision.state, now);
  return decision.state;
}

/** The state after a claimed probe. */
async function probe(ports: ProbePorts, claimed: ProviderState): Promise<ProviderState | undefined> {
  const { provider, circuit } = claimed;
  const outcome = await askProvider(ports, provider);
  if (outcome === undefined) return claimed;
  const probed = { sign: signOfProbe(outcome), retryAfterSeconds: askedSeconds(outcome) };
  const decide = (state: ProviderState | undefined) =>
    // Closed and opened again while we were waiting: the answer is from before that.
    state === undefined || state.circuit?.openedAt !== circuit?.openedAt
      ? undefined
      : decideProbed(state, { ...probed, now: ports.clock.now() }, ports.policies(provider).circuit);
  return await change(ports, provider, decide, ports.clock.now() + NOTE_MS, outcome.reason);
}

/** Undefined when the client could not be read: that says nothing about the provider. */
async function askProvider(ports: ProbePorts, provider: ProviderId) {
  try {
    const client = await ports.readClient(provider, ports.providerEnvironment, { fresh: true });
    return await ports.endpoint.probe({ provider, client });
  } catch {
    ports.log('error', 'provider could not be probed', { provider, reason: 'secret_unavailable' });
    return undefined;
  }
}

type Decide = (state: ProviderState | undefined) => CircuitDecision | undefined;

/** Carries a decision through, made anew on each state that others leave. Answers the state that is known at the end. */
async function change(
  ports: HealthPorts,
  provider: ProviderId,
  decide: Decide,
  deadlineAt: Instant,
  reason?: string,
): Promise<ProviderState | undefined> {
  for (let decided = 0; decided < MAX_DECISIONS; decided += 1) {
    const state = await readState(ports, provider);
    const decision = decide(state);
    if (decision === undefined) return state;
    const { committed } = await persist(ports, decision.transaction, deadlineAt);
    if (!committed) continue;
    ports.health.remember(provider, decision.state, ports.clock.now());
    tellChange(ports, state, decision, reason);
    return decision.state;
  }
  return await readState(ports, provider);
}

function tellChange(
  { log, emit, clock }: HealthPorts,
  before: ProviderState | undefined,
  { state, change }: CircuitDecision,
  reason: string | undefined,
): void {
  const { provider } = state;
  const { kind, probeAt } = (change === 'closed' ? before?.circuit : state.circuit) ?? {};
  const event = { at: clock.now(), provider, ...(kind === undefined ? {} : { reason: kind }) };
  if (change === 'closed') {
    log('info', 'circuit closed', { provider, kind, reason });
    emit({ type: 'Circuit Closed', ...event });
  } else if (change === 'opened') {
    log(kind === 'config' ? 'error' : 'warn', 'circuit opened', { provider, kind, reason, retryAt: probeAt });
    emit({ type: 'Circuit Opened', ...event });
  }
}

function askedSeconds(outcome: TokenOutcome): number | undefined {
  return outcome.kind === 'THROTTLED' ? outcome.retryAfterSeconds : undefined;
}

async function recentState(ports: HealthPorts, provider: ProviderId): Promise<ProviderState | undefined> {
  const recalled = ports.health.recall(provider, ports.clock.now());
  return recalled === undefined ? await readState(ports, provider) : recalled.state;
}

async function readState(ports: HealthPorts, provider: ProviderId): Promise<ProviderState | undefined> {
  const state = await ports.store.readProvider(provider);
  ports.health.remember(provider, state, ports.clock.now());
  return state;
}
