import { createDynamoClient } from '../lib/aws/clients.ts';
import { ERRORS, GrantkeeperError } from '../lib/domain/errors.ts';
import { createClock } from '../lib/runtime/clock.ts';
import { type CommandLine, parseCommandLine, USAGE, UsageError } from './command-line.ts';
import { createKey, endKey, type KeyPlace, listKeys } from './keys.ts';
import { restoreTables } from './restore.ts';

/** The operators' command line: `npm run ops -- keys create|list|revoke` and `restore`, as the AWS identity of the shell it runs in. */
async function run(command: CommandLine, openPlace: () => KeyPlace): Promise<string> {
  switch (command.verb) {
    case 'help':
      return USAGE;
    case 'create':
      return await createKey(openPlace(), command);
    case 'list':
      return await listKeys(openPlace(), command);
    case 'revoke':
      return await endKey(openPlace(), command);
    case 'restore': {
      const { text, isComplete } = await restoreTables(openPlace(), command);
      if (!isComplete) process.exitCode = 1;
      return text;
    }
  }
}

/** One line: what went wrong, what AWS called it, what to do. */
function describe(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  const cause = error instanceof GrantkeeperError ? error.cause : error;
  const reason = cause instanceof Error ? ` (${cause.name}: ${cause.message.split('\n')[0]})` : '';
  if (!(error instanceof GrantkeeperError))
    return `AWS did not do it${reason}: check AWS_REGION, credentials and the names of the tables`;
  const field = error.field === undefined ? '' : ` Field: ${error.field}.`;
  return `${error.message}${field} ${ERRORS[error.code].next}${reason}`;
}

try {
  const command = parseCommandLine(process.argv.slice(2), process.env);
  process.stdout.write(await run(command, () => ({ client: createDynamoClient(), clock: createClock() })));
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = 1;
}
