import type { CommitPolicy } from '../domain/commit-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { PROVIDERS } from '../providers/index.ts';

/** What the decisions need to know of a provider: its descriptor's margins and grace, with the deployment's own refresh-ahead. */
export type Policies = (provider: ProviderId) => CommitPolicy;

/** Policies of all providers; `refreshAheadSeconds` replaces the descriptors' when the deployment configures it. */
export function createPolicies(overrides: { readonly refreshAheadSeconds?: number } = {}): Policies {
  return (provider) => {
    const { margins, rotation, disconnect } = PROVIDERS[provider];
    return {
      margins: { ...margins, refreshAheadSeconds: overrides.refreshAheadSeconds ?? margins.refreshAheadSeconds },
      graceSeconds: rotation.graceSeconds,
      detaches: disconnect.kind === 'detach',
    };
  };
}
