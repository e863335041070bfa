/**
 * `npm run test:kill`: real processes refresh grants through the product's real adapters, against AWS's DynamoDB Local
 * and a provider in another process, while a killer sends SIGKILL at random and the store is stopped, refuses and goes
 * deaf. Two runs: with a grace (Xero) nothing may be lost; without one, at rotation at every use, only what a killed
 * process held. Options: `--grants N --seconds N --workers N --factor N --only xero|quickbooks`. The last line is JSON;
 * exit 1 on a problem.
 */
import { parseArgs } from 'node:util';
import { isProviderId, type ProviderId } from '../../lib/domain/names.ts';
import type { RunReport } from './report.ts';
import { runKill } from './run.ts';

const { values } = parseArgs({
  options: {
    grants: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    workers: { type: 'string', default: '5' },
    factor: { type: 'string', default: '15' },
    only: { type: 'string' },
  },
});
const sizes = {
  grants: numberOf('grants', 1, 100_000),
  seconds: numberOf('seconds', 1, 3_600),
  workers: numberOf('workers', 1, 50),
  factor: numberOf('factor', 1, 100),
};
const providers: readonly ProviderId[] = values.only === undefined ? ['xero', 'quickbooks'] : [providerOf(values.only)];

const reports: RunReport[] = [];
for (const provider of providers) {
  const report = await runKill({ ...sizes, provider });
  for (const problem of report.problems.slice(0, 20)) console.log(`PROBLEM: ${problem}`);
  reports.push(report);
}
const [first, second] = reports.map(({ problems, ...figures }) => ({ ...figures, problems: problems.length }));
console.log(JSON.stringify({ ...sizes, ...first, ...(second === undefined ? {} : { withoutGrace: second }) }));
process.exitCode = reports.every(({ problems }) => problems.length === 0) ? 0 : 1;

function numberOf(name: 'grants' | 'seconds' | 'workers' | 'factor', min: number, max: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`--${name} is a whole number from ${min} to ${max}`);
}

function providerOf(value: string): ProviderId {
  if (isProviderId(value)) return value;
  throw new RangeError('--only is xero or quickbooks');
}
