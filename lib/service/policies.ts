import { type BackoffPolicy, DEFAULT_BACKOFF } from '../domain/backoff.ts';
import { type CircuitPolicy, DEFAULT_CIRCUIT } from '../domain/circuit.ts';
import type { CommitPolicy } from '../domain/commit-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { PROVIDERS } from '../providers/index.ts';

/** All the numbers that decisions about a provider and its grants depend on. */
export interface Policy extends CommitPolicy {
  readonly backoff: BackoffPolicy;
  readonly circuit: CircuitPolicy;
}

/** What the decisions need to know of a provider: its descriptor's margins and grace, with the deployment's own settings. */
export type Policies = (provider: ProviderId) => Policy;

/** What a deployment may set; each that is absent keeps its default. */
export interface PolicySettings {
  readonly refreshAheadSeconds?: number;
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
  return (provider) => {
    const { margins, rotation, disconnect } = PROVIDERS[provider];
    return {
      margins: { ...margins, refreshAheadSeconds: settings.refreshAheadSeconds ?? margins.refreshAheadSeconds },
      graceSeconds: rotation.graceSeconds,
      detaches: disconnect.kind === 'detach',
      backoff,
      circuit,
    };
  };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
