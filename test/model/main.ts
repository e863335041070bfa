import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { CONFIGURATIONS } from './configurations.ts';
import { MUTANTS } from './mutants.ts';
import { configurationLine, lastLine, mutantLine, tableOf, traceOf } from './report.ts';
import type { Done, Job } from './thread.ts';

/**
 * `npm run model`: all interleavings of each configuration under the real decisions, then every weakened design until
 * it is caught. `--states N` bounds each search, `--small` all of them to what a CI run has time for. Exits 1 when
 * the real design violates anything, or a weakened one is not caught.
 */
const THREADS = 2;
const LIMIT = 1_000_000;
const SMALL_LIMIT = 6_000;
/** Weakened designs that take longer to catch are left to the full run. */
const SMALL_MUTANT_LIMIT = 60_000;

const { values } = parseArgs({ options: { states: { type: 'string' }, small: { type: 'boolean', default: false } } });
const limit = values.states === undefined ? (values.small ? SMALL_LIMIT : LIMIT) : Number(values.states);
if (!Number.isInteger(limit) || limit < 1) throw new Error('--states takes a number of states');

const searches = CONFIGURATIONS.map(({ name }): Job => ({ configuration: name, limit }));
const weakened = MUTANTS.filter(({ isSlow }) => !(values.small && isSlow)).map(
  ({ id, configuration }): Job => ({ configuration, mutant: id, limit: values.small ? SMALL_MUTANT_LIMIT : LIMIT }),
);

process.stdout.write('The real design\n');
const found = await inThreads(searches, (done) => process.stdout.write(configurationLine(done)));
process.stdout.write('\nWeakened designs\n');
const caught = await inThreads(weakened, (done) => process.stdout.write(mutantLine(done) + traceOf(done)));
process.stdout.write(tableOf(caught) + lastLine(found, caught));
const isWell =
  found.every(({ problem }) => problem === undefined) && caught.every(({ problem }) => problem !== undefined);
process.exitCode = isWell ? 0 : 1;

/** Each job in a thread of its own, two at a time; `tell` hears of each as it ends. */
async function inThreads(jobs: readonly Job[], tell: (done: Done) => void): Promise<Done[]> {
  const waiting = [...jobs];
  const ended: Done[] = [];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const done = await inThread(job);
      ended.push(done);
      tell(done);
    }
  };
  await Promise.all(Array.from({ length: THREADS }, lane));
  return ended;
}

function inThread(job: Job): Promise<Done> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { job },
      resourceLimits: { maxOldGenerationSizeMb: 6_000 },
    });
    worker.once('message', (done: Done) => resolve(done));
    worker.once('error', reject);
  });
}
