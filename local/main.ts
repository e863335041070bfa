import { rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { DEVELOPER_KEY_VARIABLES, DEVELOPER_PORTALS, readDeveloperKeys } from '../lib/domain/developer-keys.ts';
import { NO_SERVICE } from './assembly/collect.ts';
import type { LogLine } from './lambda/logs.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type ProviderChoice, redirectUriOf } from './real-providers.ts';

const DEFAULT_PORT = 8080;

const USAGE = 'usage: npm start -- [--port 8080] [--providers simulated|real] [--ready-file FILE] [--verbose]';

interface Arguments {
  readonly port: number;
  readonly readyFile?: string;
  readonly providers: ProviderChoice;
  /** Prints what the functions write. */
  readonly verbose: boolean;
}

/** `npm start`: runs the platform until it is interrupted. */
async function main(): Promise<void> {
  const { port, readyFile, verbose, providers } = readArguments(process.argv.slice(2));
  // A file of an earlier run would say ready before we are; and a path we cannot write to is told now.
  if (readyFile !== undefined) await writeReadyFile(readyFile, '').then(() => rm(readyFile));
  const log = ({ function: name, line }: LogLine) => console.log(`${name}: ${line}`);
  const starting = startPlatform({ port, providers, ...(verbose ? { log } : {}) });
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
  const providers = providersOf(values.providers ?? 'simulated');
  return { port, providers, verbose: values.verbose === true, ...(readyFile === undefined ? {} : { readyFile }) };
}

function providersOf(kind: string): ProviderChoice {
  if (kind === 'simulated') return { kind };
  if (kind !== 'real') throw new UsageError('--providers must be simulated or real');
  const { keys, problems } = readDeveloperKeys(process.env);
  if (problems.length > 0) {
    throw new Error(`--providers real needs the keys of your own app, of one provider at least:
${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
  // Read once: whatever is started from here (the CDK app) inherits the environment and has no business with them.
  for (const names of Object.values(DEVELOPER_KEY_VARIABLES)) {
    for (const name of Object.values(names)) delete process.env[name];
  }
  return { kind, keys };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      port: { type: 'string' },
      providers: { type: 'string' },
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
  const { apiUrl, apiKey, awsEndpointUrl, region, credentials, functions, realProviders } = platform;
  const common = { apiUrl, apiKey, awsEndpointUrl, region, credentials, functions };
  return realProviders.length > 0 ? { ...common, realProviders } : { ...common, providers: platform.providers };
}

function announce(platform: Platform): void {
  const kinds = new Map<string, number>();
  for (const { type, reason } of platform.notRun) {
    const kind = reason === NO_SERVICE ? type : `${type}: ${reason}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const notRun = [...kinds].map(([kind, count]) => `${kind} (${count})`).join('; ');
  console.log(`ready ${platform.origin}

${platform.realProviders.length > 0 ? realText(platform) : simulatedText(platform)}
  API      ${platform.apiUrl}/v1   header X-API-Key: ${platform.apiKey}
  AWS      export AWS_ENDPOINT_URL=${platform.awsEndpointUrl} AWS_REGION=${platform.region} AWS_ACCESS_KEY_ID=${platform.credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${platform.credentials.secretAccessKey}
  Ops      npm run ops -- status --env local   (after that export)
${notRun === '' ? '' : `Not run locally: ${notRun}.\n`}Ctrl-C stops everything.`);
}

function simulatedText({ origin, providers }: Platform): string {
  return `Open ${origin} and click "Connect to QuickBooks" or "Connect to Xero".
  Clock    curl -X POST ${origin}/_local/clock -d '{"advanceSeconds": 3600}'
  Intuit   ${providers.quickbooks}/_sim/ledger
  Xero     ${providers.xero}/_sim/ledger`;
}

function realText({ origin, apiUrl, realProviders }: Platform): string {
  const redirects = realProviders.map(
    (provider) => `  ${redirectUriOf(apiUrl, provider)}\n    at ${DEVELOPER_PORTALS[provider]}`,
  );
  return `The providers are real, so the clock cannot be moved. Register these redirect URIs, exactly:
${redirects.join('\n')}
Then open ${origin} and connect. Connect sandbox and demo companies only, and disconnect them before you stop: what is
stored here is gone then, and the provider keeps the access it gave.`;
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
