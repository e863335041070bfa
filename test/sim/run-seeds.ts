import { runSeed, type SeedResult } from './seed.ts';
import { SITUATIONS } from './situations.ts';
import { countSeed, emptyTally, runInThreads, type Tally } from './threads.ts';

/** From so many seeds on, a situation that was never reached is a fault of the simulation. */
const ENOUGH_SEEDS = 2_000;
const MOST_TOLD = 5;

/** Runs seeds and prints what came of them; the last line is JSON. False when anything is wrong. */
export async function runSeeds(range: { readonly from: number; readonly count: number }): Promise<boolean> {
  const startedAt = performance.now();
  const tally = range.count === 1 ? await runOne(range.from) : await runInThreads(range);
  const seconds = (performance.now() - startedAt) / 1000;
  for (const failure of tally.failures.toSorted((a, b) => a.seed - b.seed).slice(0, MOST_TOLD)) {
    console.log(describeFailure(failure));
  }
  const missed = range.count < ENOUGH_SEEDS ? [] : missedBy(tally);
  if (missed.length > 0) console.log(`never reached: ${missed.join(', ')}`);
  console.log(`${Math.round(tally.seeds / seconds)} seeds per second`);
  console.log(JSON.stringify(summaryOf(tally, range.from)));
  return tally.violations === 0 && missed.length === 0;
}

/** Situations of the list that were not reached. */
function missedBy({ situations }: Pick<Tally, 'situations'>): readonly string[] {
  return SITUATIONS.filter((situation) => situations[situation] === undefined);
}

async function runOne(seed: number): Promise<Tally> {
  const tally = emptyTally();
  countSeed(tally, await runSeed(seed));
  return tally;
}

/** What failed, the last things that happened, and how to see it again. */
export function describeFailure({ seed, problem, trace }: SeedResult): string {
  return ['', problem, ...trace, `replay: npm run sim -- --seed ${seed}`, ''].join('\n');
}

function summaryOf(tally: Tally, from: number) {
  const { avoidable = 0, ...causes } = tally.lost;
  const unavoidable = Object.values(causes).reduce((sum, count) => sum + count, 0);
  return {
    seeds: tally.seeds,
    steps: tally.steps,
    violations: tally.violations,
    refreshes: tally.refreshes,
    lostGrants: { avoidable, unavoidable },
    situations: Object.fromEntries(SITUATIONS.map((situation) => [situation, tally.situations[situation] ?? 0])),
    from,
    causes,
  };
}
