import { auditRow } from '../../lib/domain/audit.ts';
import { appendAudit } from '../../lib/domain/write.ts';
import { altered, type Mutant, unless, withoutDisplaced, withSet } from './mutant.ts';
import { REAL } from './rules.ts';

/** Authorising, linking and disconnecting with one rule left out. */
export const OF_CONNECT: readonly Mutant[] = [
  {
    id: 'foreign-dropped',
    rule: 'a token of another generation is held, never dropped',
    configuration: 'two authorisations at once',
    without: ['outages', 'crashes', 'rescues'],
    weakened: {
      commit: (image, issued, policy, now) => {
        const decision = REAL.commit(image, issued, policy, now);
        return decision.kind === 'write' && decision.as === 'other_generation' ? { kind: 'stored' } : decision;
      },
    },
  },
  {
    id: 'suspect-drops-held',
    rule: 'a suspicion removes no token',
    configuration: 'two authorisations at once',
    without: ['crashes', 'rescues'],
    weakened: {
      suspect: (grant, attempt, rejection) =>
        altered(REAL.suspect(grant, attempt, rejection), () => ({ removeEntries: { held: Object.keys(grant.held) } })),
    },
  },
  {
    id: 'code-sent-twice',
    rule: 'a flow goes from authorizing to exchanging by a condition, so its code is sent once',
    configuration: 'two authorisations at once',
    weakened: {
      advance: (flow, to) => {
        const transaction = REAL.advance(flow, to);
        return { ...transaction, writes: transaction.writes.map((leg) => ({ ...leg, when: [] })) };
      },
    },
  },
  {
    id: 'bank-drops-old',
    rule: 'a bank holds the token that was current, as it may be the only valid one',
    configuration: 'two authorisations at once',
    weakened: {
      bank: (image, authorization, policy, options) => {
        const decision = REAL.bank(image, authorization, policy, options);
        if (decision.kind === 'stored' || decision.as !== 'banked') return decision;
        return { ...decision, transaction: altered(decision.transaction, withoutDisplaced) };
      },
    },
  },
  {
    id: 'same-grant-twice',
    rule: 'a reconnect on the grant that served before is one action on one item',
    configuration: 'two authorisations at once',
    weakened: { tellsSameGrant: false },
  },
  {
    id: 'detach-changes-generation',
    rule: 'a disconnect that leaves the grant to others does not change its generation',
    configuration: 'two organisations, family revocation',
    weakened: {
      disconnect: (facts, options) => {
        const transaction = REAL.disconnect(facts, options);
        const { generation, now } = options;
        const { provider, pk } = facts.grant ?? { provider: 'xero' as const, pk: 'xero#subject' as const };
        const told = {
          pk: `GRANT#${pk}`,
          id: generation,
          event: 'grant.closing',
          provider,
          at: now,
          startedAt: now,
        } as const;
        const { writes } = altered(transaction, (update) => withSet(update, { generation }));
        return { ...transaction, writes: [...writes, appendAudit(auditRow(told))] };
      },
    },
  },
  {
    id: 'revocation-not-held-off',
    rule: 'a code is sent only when no revocation of the company can be under way',
    configuration: 'disconnect and reconnect',
    weakened: { holdsRevocationOff: false },
  },
  {
    id: 'release-of-others',
    rule: 'only its owner lets a lease go',
    configuration: 'two organisations on one grant',
    weakened: {
      release: (grant, attempt, policy, now) =>
        altered(REAL.release(grant, attempt, policy, now), (update) => unless(update, ['attempt.id'])),
    },
  },
  {
    id: 'detach-unasked',
    rule: 'a company is taken off only if nobody has claimed it again',
    configuration: 'two organisations on one grant',
    weakened: { looksAtClaim: false },
  },
  {
    id: 'lease-found-on-another',
    rule: 'a lease that is found written is ours only on the grant it was taken on',
    configuration: 'reconnect, family revocation',
    weakened: { looksAtNumber: false },
  },
];
