import { parentPort, workerData } from 'node:worker_threads';
import { CONFIGURATIONS } from './configurations.ts';
import { MUTANTS } from './mutants.ts';
import { opened } from './opened.ts';
import { createRecovery } from './recovery.ts';
import { REAL } from './rules.ts';
import { type Found, search } from './search.ts';

/** One search in a thread of its own, so that two run at once and each gives its memory back. */

/** The real design in a configuration, or a weakened one in its own; at most `limit` states. */
export interface Job {
  readonly configuration: string;
  readonly mutant?: string;
  readonly limit: number;
}

export interface Done extends Found {
  readonly job: Job;
  readonly seconds: number;
}

/** Runs a job in this thread. */
export function run(job: Job): Done {
  const startedAt = performance.now();
  const configuration = CONFIGURATIONS.find(({ name }) => name === job.configuration);
  if (configuration === undefined) throw new Error(`there is no configuration ${job.configuration}`);
  const mutant = MUTANTS.find(({ id }) => id === job.mutant);
  const unneeded = Object.fromEntries((mutant?.without ?? []).map((name) => [name, 0]));
  const budget = { ...configuration.budget, ...unneeded };
  const { setting, world } = opened({ ...configuration, budget }, { ...REAL, ...mutant?.weakened });
  const found = search(setting, world, job.limit, createRecovery(setting));
  const begins = mutant === undefined ? [] : (configuration.begins ?? []);
  const problem = found.problem && { ...found.problem, steps: [...begins, ...found.problem.steps] };
  const seconds = (performance.now() - startedAt) / 1000;
  return { ...found, ...(problem === undefined ? {} : { problem }), job, seconds };
}

if (workerData?.job !== undefined) parentPort?.postMessage(run(workerData.job as Job));
