import { WEAKNESSES, type Weakness } from './mutants.ts';
import { runSeed } from './seed.ts';

/** A weakness that so many seeds do not notice is not caught. */
const MAX_SEEDS = 3_000;

/** What noticed a weakness, and after how many seeds. */
export interface Catch {
  readonly seeds: number;
  readonly problem: string | undefined;
}

/** Runs each weakened design until a check notices. False when one gets away. */
export async function runMutants(): Promise<boolean> {
  let caught = 0;
  for (const weakness of WEAKNESSES) {
    const { seeds, problem } = await firstCatch(weakness);
    if (problem !== undefined) caught += 1;
    const found =
      problem === undefined ? `NOT CAUGHT in ${seeds} seeds` : `caught in seed ${seeds}: ${problem.split('\n')[0]}`;
    console.log(`${weakness.name}: ${found}`);
  }
  console.log(`weakened designs caught ${caught}/${WEAKNESSES.length}`);
  return caught === WEAKNESSES.length;
}

/** The first seed that notices; `problem` is undefined when none does. */
export async function firstCatch(weakness: Weakness, maxSeeds = MAX_SEEDS): Promise<Catch> {
  for (let seed = 1; seed <= maxSeeds; seed += 1) {
    const { problem } = await runSeed(seed, { mutant: weakness });
    // What the real design does as well was not the weakness.
    if (problem !== undefined && (await runSeed(seed)).problem === undefined) return { seeds: seed, problem };
  }
  return { seeds: maxSeeds, problem: undefined };
}
