import { LEASE_MS } from '../domain/acquire-decision.ts';
import { type BackoffPolicy, DEFAULT_BACKOFF } from '../domain/backoff.ts';
import { type CircuitPolicy, DEFAULT_CIRCUIT } from '../domain/circuit.ts';
import type { CommitPolicy } from '../domain/commit-decision.ts';
import type { Margins } from '../domain/freshness.ts';
import type { ProviderId } from '../domain/names.ts';
import { PROVIDERS } from '../providers/index.ts';

const DAY_SECONDS = 24 * 3600;

/** All the numbers that decisions about a provider and its grants depend on. */
export interface Policy extends CommitPolicy {
  readonly backoff: BackoffPolicy;
  readonly circuit: CircuitPolicy;
  /** How long an attempt keeps others off its grant. */
  readonly leaseMs: number;
}

/** What the decisions need to know of a provider: its descriptor's margins and grace, with the deployment's own settings. */
export type Policies = (provider: ProviderId) => Policy;

/** What a deployment may set; each that is absent keeps its default. */
export interface PolicySettings {
  readonly refreshAheadSeconds?: number;
  /** A token with less left makes its reader start a refresh (default: the provider's margin, 300). */
  readonly onDemandSeconds?: number;
  /** An unused grant is refreshed this often (default: the provider's margin, 14). */
  readonly keepAliveDays?: number;
  /** How long an attempt keeps others off its grant (default, and at least, 125). */
  readonly leaseSeconds?: number;
  /** Wait before the second attempt; it doubles from there (default 1,000). */
  readonly backoffBaseMs?: number;
  /** Longest wait between attempts (default 300). */
  readonly backoffCapSeconds?: number;
  /** Distinct grants whose requests fail one after the other until the provider is left alone (default 3, at least 2). */
  readonly circuitFailures?: number;
  /** How long it is left alone before it is probed (default 60). */
  readonly circuitResetSeconds?: number;
}

/** Policies of all providers, with the deployment's settings in place of the defaults. */
export function createPolicies(settings: PolicySettings = {}): Policies {
  const { backoffBaseMs, backoffCapSeconds, circuitFailures, circuitResetSeconds } = settings;
  const backoff = {
    baseMs: backoffBaseMs ?? DEFAULT_BACKOFF.baseMs,
    capMs: milliseconds(backoffCapSeconds) ?? DEFAULT_BACKOFF.capMs,
  };
  const circuit = {
    failures: circuitFailures ?? DEFAULT_CIRCUIT.failures,
    resetMs: milliseconds(circuitResetSeconds) ?? DEFAULT_CIRCUIT.resetMs,
  };
  const leaseMs = Math.max(LEASE_MS, milliseconds(settings.leaseSeconds) ?? 0);
  return (provider) => {
    const { margins, rotation, disconnect } = PROVIDERS[provider];
    return {
      margins: marginsOf(margins, settings),
      leaseMs,
      graceSeconds: rotation.graceSeconds,
      detaches: disconnect.kind === 'detach',
      backoff,
      circuit,
    };
  };
}

function marginsOf(margins: Margins, settings: PolicySettings): Margins {
  const { refreshAheadSeconds, onDemandSeconds, keepAliveDays } = settings;
  return {
    refreshAheadSeconds: refreshAheadSeconds ?? margins.refreshAheadSeconds,
    onDemandSeconds: onDemandSeconds ?? margins.onDemandSeconds,
    keepAliveSeconds: keepAliveDays === undefined ? margins.keepAliveSeconds : keepAliveDays * DAY_SECONDS,
  };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
