import type { ProviderId } from './names.ts';
import type { TokenOutcome } from './outcome.ts';
import { type CircuitKind, type OpenCircuit, type ProviderState, providerKey } from './provider-state.ts';
import type { GrantKey, Instant } from './terms.ts';
import {
  absent,
  anyOf,
  atMost,
  type Condition,
  equals,
  type Transaction,
  transactionToken,
  type WriteOn,
} from './write.ts';

/**
 * The circuit of a provider (design §6), shared by all processes through the provider's item. It counts distinct grants,
 * so that one that always fails says nothing about the rest, and it never opens on invalid_grant. While it is open nobody
 * refreshes; the sweep probes with a request that puts no token at risk. Every write is conditional on the version it was
 * decided on: two writers cannot both count on what only one of them has seen.
 */

export interface CircuitPolicy {
  /** Distinct grants whose requests fail one after the other until it opens. With 1 a single grant could stop all others. */
  readonly failures: number;
  /** From opening to the first probe, and between probes. */
  readonly resetMs: number;
}

/** Requirement B2. */
export const DEFAULT_CIRCUIT: CircuitPolicy = { failures: 3, resetMs: 60_000 };

/** So many distinct grants for which our client is refused are no accident of one of them. */
const REFUSED_GRANTS = 2;
/** A provider that asks for more patience than this is asked again all the same. */
const MAX_THROTTLE_MS = 15 * 60_000;
/** A probe that has been due for so long has no prober: then no circuit is better than one that nobody closes. */
const ABANDONED_MS = 15 * 60_000;
/** From a due probe to its end, about. */
const PROBING_MS = 15_000;
const SUCCESS_EVERY_MS = 60_000;
const RAMP = { first: 2, everyMs: 15_000 } as const;

/**
 * What one request says about the provider, not about the grant. `answered`: at work, and it knows our client. `refused`: at
 * work. `misconfigured`: at work, and it refuses our client. `failed`: no answer that says it is at work. `throttled`: 429.
 */
export type Sign = 'answered' | 'refused' | 'misconfigured' | 'failed' | 'throttled';

/** The write, the state after it, and whether it opened or closed the circuit. */
export interface CircuitDecision {
  readonly transaction: Transaction;
  readonly state: ProviderState;
  readonly change?: 'opened' | 'closed';
}

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly kind: CircuitKind; readonly retryAt: Instant };

/** RFC 6749 §5.2. Other refusals (scope, registration, redirect) may be those of one grant. */
const CLIENT_REFUSED: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);

/** What a refresh says about the provider. NOT_SENT must be the endpoint's own (DNS, TCP, TLS), not a fault of ours before it. */
export function signOf(outcome: TokenOutcome): Sign {
  switch (outcome.kind) {
    case 'OK':
    case 'REJECTED':
      return 'answered';
    case 'NOT_SENT':
    case 'UNKNOWN':
      return 'failed';
    case 'THROTTLED':
      return 'throttled';
    case 'CONFIG':
      return CLIENT_REFUSED.has(outcome.reason) ? 'misconfigured' : 'refused';
  }
}

/**
 * A complete answer of class 4xx to a bogus code, though not the one it should be: an RFC 6749 error, or the status alone.
 * Without them a provider that is odd about probes would never be asked for anything again (design §6: any 4xx verdict).
 */
function isOddVerdict(outcome: TokenOutcome): boolean {
  if (outcome.kind !== 'UNKNOWN' || outcome.answer !== 'complete') return false;
  return /^http_4\d\d$/.test(outcome.reason) || ODD_VERDICTS.has(outcome.reason);
}

const ODD_VERDICTS: ReadonlySet<string> = new Set(['invalid_request', 'invalid_grant']);

/** What a probe says: any CONFIG is ours to fix, as there is no grant it could be about. */
export function signOfProbe(outcome: TokenOutcome): Sign {
  if (outcome.kind === 'CONFIG') return 'misconfigured';
  return isOddVerdict(outcome) ? 'refused' : signOf(outcome);
}

/** Whether a grant of the provider may be refreshed now. */
export function admits(state: ProviderState | undefined, now: Instant): Admission {
  const circuit = state?.circuit;
  if (circuit === undefined || circuit.probeAt + ABANDONED_MS <= now) return { admitted: true };
  return { admitted: false, kind: circuit.kind, retryAt: Math.max(circuit.probeAt, now) + PROBING_MS };
}

/**
 * Counts one request of `grant`. Undefined when it changes nothing, and always while the circuit is open: what was sent
 * before it opened may still come in, and only a probe closes it.
 */
export function decideSign(
  state: ProviderState | undefined,
  provider: ProviderId,
  told: {
    readonly grant: GrantKey;
    readonly sign: Sign;
    readonly retryAfterSeconds?: number | undefined;
    readonly now: Instant;
  },
  policy: CircuitPolicy,
): CircuitDecision | undefined {
  if (state?.circuit !== undefined) return undefined;
  const counts = counted(state ?? {}, told);
  if (counts.failing === state?.failing && counts.misconfigured === state?.misconfigured) return undefined;
  const circuit = opened(counts, told, policy);
  if (circuit === undefined) return written(state, provider, counts, told.grant);
  return { ...written(state, provider, { circuit }, told.grant), change: 'opened' };
}

type Counts = Pick<ProviderState, 'failing' | 'throttledUntil' | 'misconfigured'>;
type Told = Parameters<typeof decideSign>[2];

function counted({ failing, throttledUntil, misconfigured }: Counts, told: Told): Counts {
  switch (told.sign) {
    case 'answered':
      return {};
    case 'refused':
      return defined({ misconfigured });
    case 'misconfigured':
      return { misconfigured: including(misconfigured, told.grant) };
    case 'failed':
      return defined({ failing: including(failing, told.grant), throttledUntil, misconfigured });
    case 'throttled': {
      const until = Math.max(throttledUntil ?? 0, told.now + (told.retryAfterSeconds ?? 0) * 1000);
      return defined({ failing: including(failing, told.grant), throttledUntil: until, misconfigured });
    }
  }
}

/** The same list when the grant is in it. */
function including(grants: readonly GrantKey[] | undefined, grant: GrantKey): readonly GrantKey[] {
  if (grants === undefined) return [grant];
  return grants.includes(grant) ? grants : [...grants, grant];
}

function opened(counts: Counts, { sign, now }: Told, policy: CircuitPolicy): OpenCircuit | undefined {
  const { failing = [], misconfigured = [], throttledUntil = 0 } = counts;
  if (misconfigured.length >= REFUSED_GRANTS) return { kind: 'config', openedAt: now, probeAt: now + policy.resetMs };
  if (failing.length < policy.failures) return undefined;
  if (sign !== 'throttled') return { kind: 'transient', openedAt: now, probeAt: now + policy.resetMs };
  return { kind: 'throttled', openedAt: now, probeAt: now + patienceMs(throttledUntil - now, policy) };
}

function patienceMs(askedMs: number, { resetMs }: CircuitPolicy): number {
  return Math.max(resetMs, Math.min(askedMs, MAX_THROTTLE_MS));
}

/**
 * Claims the probe that is due, by moving the next one on: a prober that dies costs one `resetMs`. `id` tells the claims of
 * two provers at the same instant apart. Undefined when none is due.
 */
export function decideProbe(
  state: ProviderState,
  { id, now }: { readonly id: string; readonly now: Instant },
  policy: CircuitPolicy,
): CircuitDecision | undefined {
  const { circuit, provider } = state;
  if (circuit === undefined || circuit.probeAt > now) return undefined;
  return written(state, provider, { circuit: { ...circuit, probeAt: now + policy.resetMs } }, id);
}

/**
 * What a probe leads to, on the state its claim left. `answered` closes every kind; `refused` one that was opened because
 * nothing was answered; `misconfigured` makes it `config`; 429 waits as long as it is told to; the rest changes nothing.
 */
export function decideProbed(
  state: ProviderState,
  probed: { readonly sign: Sign; readonly retryAfterSeconds?: number | undefined; readonly now: Instant },
  policy: CircuitPolicy,
): CircuitDecision | undefined {
  const { circuit, provider } = state;
  if (circuit === undefined) return undefined;
  const { sign, now } = probed;
  if (sign === 'answered' || (sign === 'refused' && circuit.kind !== 'config')) {
    return { ...written(state, provider, { closedAt: now }), change: 'closed' };
  }
  if (sign === 'misconfigured' && circuit.kind !== 'config') {
    const turned = { ...circuit, kind: 'config' as const, probeAt: now + policy.resetMs };
    return { ...written(state, provider, { circuit: turned }), change: 'opened' };
  }
  const probeAt = now + Math.min((probed.retryAfterSeconds ?? 0) * 1000, MAX_THROTTLE_MS);
  if (sign !== 'throttled' || probeAt <= circuit.probeAt) return undefined;
  return written(state, provider, { circuit: { ...circuit, probeAt } });
}

/** How many grants of a provider are worked on at once: after a closing 2, and twice as many every 15 s, up to `max`. */
export function rampedConcurrency(state: ProviderState | undefined, max: number, now: Instant): number {
  if (state?.closedAt === undefined) return max;
  const steps = Math.floor(Math.max(0, now - state.closedAt) / RAMP.everyMs);
  return Math.min(max, RAMP.first * 2 ** Math.min(steps, 30));
}

/**
 * Notes a refresh that succeeded, sent at `sentAt`: at most once a minute, never an earlier one than is known. Undefined when
 * there is nothing to note.
 */
export function decideSuccess(
  state: ProviderState | undefined,
  provider: ProviderId,
  sentAt: Instant,
): Transaction | undefined {
  const latest = sentAt - SUCCESS_EVERY_MS;
  if (state?.lastSuccessAt !== undefined && state.lastSuccessAt > latest) return undefined;
  const write: WriteOn<'grants', ProviderState> = {
    table: 'grants',
    key: { pk: providerKey(provider) },
    when: [anyOf(absent('lastSuccessAt'), atMost(['lastSuccessAt'], latest))],
    op: 'update',
    set: { v: 1, provider, lastSuccessAt: sentAt },
  };
  return { token: transactionToken('success', provider, sentAt), writes: [write] };
}

type Parts = Counts & Pick<ProviderState, 'circuit' | 'closedAt'>;

/**
 * Replaces everything the circuit consists of; `closedAt` stays unless it is given. `who` tells apart two that write the very
 * same at once: with one token between them both would be told that it was theirs.
 */
function written(state: ProviderState | undefined, provider: ProviderId, parts: Parts, who = ''): CircuitDecision {
  const { failing, throttledUntil, misconfigured, circuit, ...kept } = state ?? { v: 1, pk: providerKey(provider) };
  const set = { v: 1, provider, circuitVersion: (state?.circuitVersion ?? 0) + 1, ...parts } as const;
  const before = Object.keys(defined({ failing, throttledUntil, misconfigured, circuit }));
  const remove = before.filter((name) => !(name in parts)) as (keyof Parts)[];
  const write: WriteOn<'grants', ProviderState> = {
    table: 'grants',
    key: { pk: providerKey(provider) },
    when: [versionIs(state?.circuitVersion)],
    op: 'update',
    set,
    ...(remove.length === 0 ? {} : { remove }),
  };
  const token = transactionToken('circuit', who, JSON.stringify(write));
  return { transaction: { token, writes: [write] }, state: { ...kept, ...set } };
}

function versionIs(version: number | undefined): Condition {
  return version === undefined ? absent('circuitVersion') : equals(['circuitVersion'], version);
}

function defined<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof defined<T>
  >;
}
