import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './child.ts';
import { runVitest } from './run-vitest.ts';

/** `npm run coverage`: the tests, and which share of the lines of lib and functions they run. The last line is `lines NN.NN %`. */
const { passed, failed, exitCode } = await runVitest([
  '--coverage',
  '--coverage.reportOnFailure',
  ...process.argv.slice(2),
]);
const percentage = readPercentage();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.stdout.write(`lines ${(percentage ?? 0).toFixed(2)} %\n`);
process.exitCode = percentage === undefined ? 1 : exitCode;

/** Undefined when the run left no summary: then nothing is known to have been run. */
function readPercentage(): number | undefined {
  try {
    const text = readFileSync(join(ROOT, 'coverage', 'coverage-summary.json'), 'utf8');
    return (JSON.parse(text) as { total: { lines: { pct: number } } }).total.lines.pct;
  } catch {
    return undefined;
  }
}
