import { type Grant, isLiving } from '../../lib/domain/grant.ts';
import { altered, fieldsOf, type Mutant, unless, withoutDisplaced, withoutSet, withSet } from './mutant.ts';
import { REAL } from './rules.ts';

/** A refresh and its rescue with one rule left out. */
export const OF_REFRESH: readonly Mutant[] = [
  {
    id: 'error-as-verdict',
    rule: 'an error of the store is no verdict: the identical transaction is repeated, the token kept',
    configuration: 'refresh, single use',
    weakened: { repeatsWrites: false },
  },
  {
    id: 'acquire-not-due',
    rule: 'taking the lease makes the grant due at its end, in the partition of recoveries',
    configuration: 'refresh, grace',
    weakened: {
      acquire: (grant, input) => {
        const decision = REAL.acquire(grant, input);
        if (decision.kind === 'refused') return decision;
        const transaction = altered(decision.transaction, (update) => withoutSet(update, ['dueAt']));
        return { ...decision, transaction };
      },
    },
  },
  {
    id: 'report-due-early',
    rule: 'a report makes the grant due when both the lease and the wait are over',
    configuration: 'refresh, grace',
    weakened: {
      report: (grant, attempt, report) =>
        altered(REAL.report(grant, attempt, report), (update) =>
          withSet(update, { dueAt: fieldsOf(update).notBefore }),
        ),
    },
  },
  {
    id: 'not-sealed-anew',
    rule: 'a refresh token that was returned unchanged is sealed anew, under the attempt that used it',
    configuration: 'refresh, periodic',
    weakened: { sealsAnew: false },
  },
  {
    id: 'displaced-dropped',
    rule: 'a commit that displaces a current token it did not spend holds it',
    configuration: 'refresh, grace',
    weakened: {
      commit: (image, issued, policy, now) => {
        const decision = REAL.commit(image, issued, policy, now);
        if (decision.kind === 'stored' || decision.as !== 'displace') return decision;
        return { ...decision, transaction: altered(decision.transaction, withoutDisplaced) };
      },
    },
  },
  {
    id: 'late-dropped',
    rule: 'a token that comes after a newer one is held',
    configuration: 'refresh, grace',
    weakened: {
      commit: (image, issued, policy, now) => {
        const decision = REAL.commit(image, issued, policy, now);
        return decision.kind === 'write' && decision.as === 'superseded' ? { kind: 'stored' } : decision;
      },
    },
  },
  {
    id: 'own-token-unknown',
    rule: 'an answer that is on the grant already is recognised, and not stored again',
    configuration: 'refresh, single use',
    weakened: {
      commit: (image, issued, policy, now) => {
        const decision = REAL.commit(image, issued, policy, now);
        if (decision.kind !== 'stored' || !isLiving(image)) return decision;
        const { [issued.attemptId]: _, ...held } = image.held;
        const current = { ...image.current, attemptId: `${image.current.attemptId}'` };
        return REAL.commit({ ...image, current, held }, issued, policy, now);
      },
    },
  },
  {
    id: 'spent-held-again',
    rule: 'a token that was stored and has been spent since is not held again when its message comes late',
    configuration: 'rescue, twice and late',
    weakened: { recallsStored: false },
  },
  {
    id: 'no-held-tried',
    rule: 'when the current token is rejected every held one is tried',
    configuration: 'refresh, grace',
    weakened: { heldToTry: () => [] },
  },
  {
    id: 'no-version-check',
    rule: 'a commit is made only on the version it was decided on',
    configuration: 'refresh, grace',
    without: ['writes', 'crashes', 'answers'],
    weakened: {
      commit: (image, issued, policy, now) => {
        const decision = REAL.commit(image, issued, policy, now);
        if (decision.kind === 'stored') return decision;
        const names = ['tokenVersion', 'dueAt', 'held', 'attempt.outcome', 'attempt.until'];
        return { ...decision, transaction: altered(decision.transaction, (update) => unless(update, names)) };
      },
    },
  },
  {
    id: 'dropped-without-lease',
    rule: 'a token whose lease is gone is stored all the same',
    configuration: 'refresh, single use',
    weakened: { keepsTokensWithoutLease: false },
  },
  {
    id: 'lease-not-looked-at',
    rule: 'the lease is taken only when nobody holds it',
    configuration: 'refresh, single use',
    weakened: {
      acquire: (grant, input) => {
        const { attempt: _, ...free } = grant as Grant;
        const decision = REAL.acquire(free as Grant, input);
        if (decision.kind === 'refused') return decision;
        const transaction = altered(decision.transaction, (update) =>
          unless(update, ['attempt', 'attempt.until', 'number']),
        );
        return { ...decision, transaction };
      },
    },
  },
  {
    id: 'cut-lets-go',
    rule: 'after an answer that was cut the lease stays until its end, because the request may still be under way',
    configuration: 'refresh, single use',
    weakened: {
      report: (grant, attempt, report) =>
        altered(REAL.report(grant, attempt, report), (update) =>
          withSet(update, {
            attempt: { ...attempt, ...fieldsOf(update).attempt, until: report.now },
            dueAt: report.now,
          }),
        ),
    },
  },
  {
    id: 'client-retries',
    rule: 'the HTTP client sends a request once',
    configuration: 'refresh, single use',
    weakened: { sendsOnce: false },
  },
  {
    id: 'rescue-unconditional',
    rule: 'a rescue is applied under the conditions of every other write',
    configuration: 'rescue, twice and late',
    weakened: { rescuesByImage: false },
  },
  {
    id: 'queue-not-asked-before-send',
    rule: 'before a token that may be spent is sent again, the rescue queue is asked for its successor',
    configuration: 'refresh, family revocation',
    weakened: { asksRescueQueue: false },
  },
];
