import { MUTANTS } from './mutants.ts';
import type { Done } from './thread.ts';

/** What `npm run model` prints. */

/** How far a search of the real design went, and the trace of what it found. */
export function configurationLine(done: Done): string {
  const { job, states, transitions, depth, isComplete, seconds, problem } = done;
  const extent = isComplete ? 'complete' : `to depth ${depth}`;
  const end = problem === undefined ? extent : `VIOLATION ${problem.what}`;
  const numbers = `${count(states)} states ${count(transitions)} transitions  depth ${String(depth).padStart(2)}`;
  return `  ${job.configuration.padEnd(38)} ${numbers}  ${seconds.toFixed(1).padStart(5)} s  ${end}\n${traceOf(done)}`;
}

/** Whether a weakened design was caught. */
export function mutantLine({ job, states, problem }: Done): string {
  const rule = MUTANTS.find(({ id }) => id === job.mutant)?.rule ?? '';
  const verdict =
    problem === undefined
      ? `NOT CAUGHT in ${states} states`
      : `caught in ${problem.steps.length} steps (${count(states).trim()} states): ${problem.what}`;
  return `\n  ${job.mutant}: without "${rule}"\n    ${job.configuration}: ${verdict}\n`;
}

/** The shortest way there, step by step. */
export function traceOf({ problem }: Done): string {
  return (problem?.steps ?? []).map((step, at) => `    ${String(at + 1).padStart(2)}. ${step}\n`).join('');
}

/** One line for each weakened design, in the order of the list. */
export function tableOf(caught: readonly Done[]): string {
  const lines = MUTANTS.flatMap(({ id, rule }) => {
    const done = caught.find(({ job }) => job.mutant === id);
    if (done === undefined) return [];
    const { problem, states } = done;
    const steps = problem === undefined ? 'NOT CAUGHT' : `${String(problem.steps.length).padStart(3)} steps`;
    return [`  ${id.padEnd(28)} ${count(states)} states ${steps}  ${rule}\n`];
  });
  return `\nCaught by the model, with states until then and steps of the counterexample\n${lines.join('')}`;
}

/** The total, and the machine's line. */
export function lastLine(found: readonly Done[], caught: readonly Done[]): string {
  const sum = (of: (done: Done) => number) => found.reduce((total, done) => total + of(done), 0);
  const mutants = { caught: caught.filter(({ problem }) => problem !== undefined).length, of: caught.length };
  const totals = {
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    violations: found.filter(({ problem }) => problem !== undefined).length,
    mutants,
  };
  const seconds = [...found, ...caught].reduce((total, done) => total + done.seconds, 0);
  const told = `${count(totals.states).trim()} states, ${count(totals.transitions).trim()} transitions`;
  const line = `\n${told}, ${mutants.caught} of ${mutants.of} weakened designs caught, ${seconds.toFixed(0)} s of two threads\n`;
  return `${line}${JSON.stringify(totals)}\n`;
}

function count(number: number): string {
  return number.toLocaleString('en').padStart(10);
}
