import { duePartition, type Grant } from '../../lib/domain/grant.ts';
import { altered, fieldsOf, type Mutant, withoutProof, withSet } from './mutant.ts';
import { REAL } from './rules.ts';

/** Giving a grant up with less evidence. */
export const OF_GIVING_UP: readonly Mutant[] = [
  {
    id: 'dead-on-first-rejection',
    rule: 'one rejection is a suspicion, not a verdict',
    configuration: 'refresh, single use',
    weakened: {
      suspect: (grant, attempt, rejection) =>
        altered(REAL.suspect(grant, attempt, rejection), (update) => {
          const given = { status: 'needs_reauth' } as const;
          return withSet(update, { ...given, duePartition: duePartition({ ...grant, ...fieldsOf(update), ...given }) });
        }),
    },
  },
  {
    id: 'no-evidence-of-others',
    rule: 'a grant is given up only if another grant of the provider succeeded since its first rejection, or after two hours',
    configuration: 'giving up, outage',
    isSlow: true,
    weakened: {
      mayGiveUp: (grant, state, facts) => REAL.mayGiveUp(grant, state && { ...state, lastSuccessAt: facts.now }, facts),
      needsReauth: (grant, attempt, verdict) =>
        withoutProof(REAL.needsReauth(grant, attempt, verdict), 'lastSuccessAt'),
    },
  },
  {
    id: 'queues-not-asked',
    rule: 'a grant is given up only if no token has been waiting to be rescued for a minute',
    configuration: 'giving up, token on its way',
    weakened: {
      mayGiveUp: (grant, state, facts) => REAL.mayGiveUp(grant, state && { ...state, queuesEmptySince: 0 }, facts),
      needsReauth: (grant, attempt, verdict) =>
        withoutProof(REAL.needsReauth(grant, attempt, verdict), 'queuesEmptySince'),
    },
  },
  {
    id: 'doubts-ignored',
    rule: 'a grant is not given up while an attempt that never reported is younger than 30 minutes',
    configuration: 'giving up, token on its way',
    weakened: { mayGiveUp: (grant, state, facts) => REAL.mayGiveUp({ ...grant, doubts: {} } as Grant, state, facts) },
  },
];
