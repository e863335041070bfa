import { createPolicies, type Policies } from '../service/policies.ts';
import type { Config } from './config.ts';

/** Whoever writes a grant writes when it is due next, by the same policy. */
export const MARGINS = ['refreshAheadSeconds', 'onDemandSeconds', 'keepAliveDays'] as const;

/** The settings of the policies, as far as a function is given them. */
export type Tuning = Partial<
  Config<
    | (typeof MARGINS)[number]
    | ('leaseSeconds' | 'backoffBaseMs' | 'backoffCapSeconds' | 'circuitFailures' | 'circuitResetSeconds')
  >
>;

/** The policies of a deployment; what is not set is the provider's own or the default. */
export function policiesOf(tuning: Tuning): Policies {
  const { refreshAheadSeconds, onDemandSeconds, keepAliveDays, leaseSeconds } = tuning;
  const { backoffBaseMs, backoffCapSeconds, circuitFailures, circuitResetSeconds } = tuning;
  return createPolicies({
    ...(refreshAheadSeconds && { refreshAheadSeconds }),
    ...(onDemandSeconds && { onDemandSeconds }),
    ...(keepAliveDays && { keepAliveDays }),
    ...(leaseSeconds && { leaseSeconds }),
    ...(backoffBaseMs && { backoffBaseMs }),
    ...(backoffCapSeconds && { backoffCapSeconds }),
    ...(circuitFailures && { circuitFailures }),
    ...(circuitResetSeconds && { circuitResetSeconds }),
  });
}
