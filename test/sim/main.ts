import { parseArgs } from 'node:util';
import { runSeeds } from './run-seeds.ts';

/**
 * `npm run sim -- --seeds N [--from F]` runs N seeds, `--seed S` one of them with all that happened, `--crash-points`
 * every point at which a process may die or be overtaken, `--scenarios [--small]` outages over whole fleets,
 * `--mutants` weakened designs that have to be caught. Ends with 1 if anything is wrong.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    'crash-points': { type: 'boolean', default: false },
    scenarios: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
  },
});

async function main(): Promise<boolean> {
  if (values['crash-points']) return await (await import('./crash-points.ts')).runCrashPoints();
  if (values.mutants) return await (await import('./run-mutants.ts')).runMutants();
  if (values.scenarios) return await (await import('./scenarios.ts')).runScenarios({ isSmall: values.small });
  if (values.seed !== undefined) return await runSeeds({ from: wholeNumber(values.seed), count: 1 });
  return await runSeeds({ from: wholeNumber(values.from), count: wholeNumber(values.seeds ?? '2000') });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new TypeError(`${text} is not a whole number above 0`);
  return number;
}

process.exitCode = (await main()) ? 0 : 1;
