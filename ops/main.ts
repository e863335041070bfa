import { createClock } from '../lib/runtime/clock.ts';
import { Refused, UsageError } from './arguments.ts';
import { createClients } from './clients.ts';
import { describeError } from './describe-error.ts';
import { understand } from './registry.ts';
import { createTerminal } from './terminal.ts';

/** The operators' command line, `npm run ops -- <command>`, as the AWS identity of the shell it runs in. */
async function main(): Promise<void> {
  const { json, run } = understand(process.argv.slice(2), process.env);
  const clock = createClock();
  const outcome = await run({ clients: createClients(), clock, terminal: createTerminal(), variables: process.env });
  process.stdout.write(json ? `${JSON.stringify(outcome.told)}\n` : outcome.text);
  process.exitCode = outcome.exitCode ?? 0;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError || error instanceof Refused ? 2 : 1;
}
