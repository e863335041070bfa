import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayGiveUp } from '../../../lib/domain/give-up-decision.ts';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import { missingEvidence } from '../../../lib/service/explain-evidence.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';

/** Around each of the rule's bounds, on either side of it and exactly on it. */
const ago = (...bounds: readonly number[]) =>
  fc.constantFrom(...bounds.flatMap((ms) => [ms - 1, ms, ms + 1]), 0, 10 * HOUR).map((ms) => T0 - ms);
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });

const GRANTS = fc
  .record({
    count: fc.integer({ min: 0, max: 4 }),
    firstAt: ago(15 * MINUTE, 2 * HOUR, MINUTE),
    doubtAt: maybe(ago(30 * MINUTE)),
    unansweredSince: maybe(ago(30 * MINUTE)),
  })
  .map(({ count, firstAt, doubtAt, unansweredSince }) =>
    quickbooksGrant({
      status: 'suspect',
      ...(count === 0 ? {} : { rejections: { count, firstAt, lastAt: T0 } }),
      doubts: doubtAt === undefined ? {} : { '8': doubtAt },
      ...(unansweredSince === undefined ? {} : { unansweredSince }),
    }),
  );
const STATES = maybe(
  fc
    .record({
      observedAt: maybe(ago(3 * MINUTE)),
      frozen: maybe(fc.boolean()),
      queuesEmptySince: maybe(ago(MINUTE)),
      lastSuccessAt: maybe(ago(14 * MINUTE, 119 * MINUTE)),
    })
    .map((known) => {
      const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
      return { v: 1, pk: 'PROVIDER#quickbooks', provider: 'quickbooks', ...given } as ProviderState;
    }),
);

test('nothing is said to be missing exactly when the next rejection would be a verdict', () => {
  let verdicts = 0;
  fc.assert(
    fc.property(GRANTS, STATES, fc.constantFrom(0, 1_800), (grant, state, graceSeconds) => {
      const facts = { graceSeconds, now: T0 };
      const isVerdict = mayGiveUp(grant, state, facts);
      verdicts += isVerdict ? 1 : 0;
      expect(missingEvidence(grant, state, facts).length === 0).toBe(isVerdict);
    }),
    { numRuns: 5_000, seed: 20_261_120 },
  );
  expect(verdicts).toBeGreaterThan(50);
});
