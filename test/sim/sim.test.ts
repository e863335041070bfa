import { describe, expect, test } from 'vitest';
import { WEAKNESSES } from './mutants.ts';
import { firstCatch } from './run-mutants.ts';
import { describeFailure } from './run-seeds.ts';
import { everybodyDenied } from './scenarios/outages.ts';
import { runSeed } from './seed.ts';

/**
 * A small part of what `npm run sim` does, for everybody who changes something: whatever overtakes whatever, no token
 * is lost, none is served after a disconnect, and every grant recovers.
 */

const SEEDS = 300;
/** Of all weakened designs (`npm run sim -- --mutants`) one for each of some invariants. */
const QUICKLY_CAUGHT = [
  'holds no tokens',
  'gives a grant up at its first rejection',
  'looks at no lease',
  'serves what it remembers',
  'tells tokens in its log',
  'leaves no trace in the audit',
] as const;

describe('the simulation', () => {
  test(`finds nothing in ${SEEDS} seeds`, { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await runSeed(seed);
      if (result.problem !== undefined) throw new Error(describeFailure(result));
    }
  });

  test('gives the same run for the same seed', async () => {
    expect(await runSeed(77)).toEqual(await runSeed(77));
  });

  test.for(QUICKLY_CAUGHT)('catches a design that %s', { timeout: 60_000 }, async (name) => {
    const weakness = WEAKNESSES.find((each) => each.name === name);
    expect(weakness && (await firstCatch(weakness, SEEDS)).problem).toMatch(/^I[1-9]/);
  });

  test('finds no false verdict when a provider denies six grants for 40 minutes', { timeout: 60_000 }, async () => {
    const { figures, isGood } = await everybodyDenied(6, 40);
    expect({ falseNeedsReauth: figures.falseNeedsReauth, isGood }).toEqual({ falseNeedsReauth: 0, isGood: true });
  });
});
