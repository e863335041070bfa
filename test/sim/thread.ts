import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed } from './seed.ts';
import { countSeed, emptyTally, type Share } from './threads.ts';

/** One thread of a run of many seeds. */

/** So often it tells how far it is. */
const TOLD_EVERY = 200;

// The product throws thousands of errors that are caught; a seed that fails is run again by itself.
Error.stackTraceLimit = 0;
const { from, count, stride } = workerData as Share;
const tally = emptyTally();
for (let index = 0; index < count; index += 1) {
  countSeed(tally, await runSeed(from + index * stride));
  if (tally.seeds % TOLD_EVERY !== 0) continue;
  parentPort?.postMessage({ done: TOLD_EVERY });
  await setImmediate();
}
parentPort?.postMessage({ tally });
