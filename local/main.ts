import { rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { NO_SERVICE } from './assembly/collect.ts';
import type { LogLine } from './lambda/logs.ts';
import { type Platform, startPlatform } from './platform.ts';
import { tableNameOf } from './seed.ts';

const DEFAULT_PORT = 8080;

const USAGE = 'usage: npm start -- [--port 8080] [--ready-file FILE] [--verbose]';

interface Arguments {
  readonly port: number;
  readonly readyFile?: string;
  /** Prints what the functions write. */
  readonly verbose: boolean;
}

/** `npm start`: runs the platform until it is interrupted. */
async function main(): Promise<void> {
  const { port, readyFile, verbose } = readArguments(process.argv.slice(2));
  // A file of an earlier run would say ready before we are; and a path we cannot write to is told now.
  if (readyFile !== undefined) await writeReadyFile(readyFile, '').then(() => rm(readyFile));
  const log = ({ function: name, line }: LogLine) => console.log(`${name}: ${line}`);
  const starting = startPlatform({ port, ...(verbose ? { log } : {}) });
  stopOnSignal(starting);
  const platform = await starting;
  if (readyFile !== undefined) {
    await writeReadyFile(readyFile, `${JSON.stringify(describe(platform), null, 2)}\n`);
  }
  announce(platform);
}

/** Appears whole or not at all, and only for the owner's eyes: it holds an API key. */
async function writeReadyFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    throw new Error(`the ready file cannot be written (${error instanceof Error ? error.message : 'unknown'})`);
  }
}

/** The command line cannot be understood. */
class UsageError extends Error {}

function readArguments(args: readonly string[]): Arguments {
  const values = parse(args);
  const port = Number(values.port ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError('--port must be 1 to 65535');
  const readyFile = values['ready-file'];
  return { port, verbose: values.verbose === true, ...(readyFile === undefined ? {} : { readyFile }) };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      port: { type: 'string' },
      'ready-file': { type: 'string' },
      verbose: { type: 'boolean' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.replace(/\. .*$/s, '') : String(error));
  }
}

/** The ready file: all that another program needs. */
function describe(platform: Platform): object {
  const { apiUrl, apiKey, awsEndpointUrl, region, credentials, functions, providers } = platform;
  return { apiUrl, apiKey, awsEndpointUrl, region, credentials, functions, providers };
}

function announce(platform: Platform): void {
  const kinds = new Map<string, number>();
  for (const { type, reason } of platform.notRun) {
    const kind = reason === NO_SERVICE ? type : `${type}: ${reason}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const notRun = [...kinds].map(([kind, count]) => `${kind} (${count})`).join('; ');
  console.log(`ready ${platform.origin}

Open ${platform.origin} and click "Connect to QuickBooks" or "Connect to Xero".
  API      ${platform.apiUrl}/v1   header X-API-Key: ${platform.apiKey}
  AWS      AWS_ENDPOINT_URL=${platform.awsEndpointUrl} AWS_REGION=${platform.region} AWS_ACCESS_KEY_ID=${platform.credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${platform.credentials.secretAccessKey}
  Keys     GK_TABLE_API_KEYS=${tableNameOf(platform.assembly, 'apiKeys')} npm run ops -- keys list   (with the AWS settings above)
  Clock    curl -X POST ${platform.origin}/_local/clock -d '{"advanceSeconds": 3600}'
  Intuit   ${platform.providers.quickbooks}/_sim/ledger
  Xero     ${platform.providers.xero}/_sim/ledger
${notRun === '' ? '' : `Not run locally: ${notRun}.\n`}Ctrl-C stops everything.`);
}

function stopOnSignal(starting: Promise<Platform>): void {
  const stop = () => {
    // A second Ctrl-C does not wait.
    process.once('SIGINT', () => process.exit(130));
    starting
      .then((platform) => platform.stop())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof UsageError ? `${message} (${USAGE})` : `cannot start: ${message}`);
  process.exit(1);
});
