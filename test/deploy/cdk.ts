import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../tools/child.ts';

/** The one account and region there is. */
export const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

const CDK = 'node_modules/aws-cdk/bin/cdk';
/** A deployment takes some five seconds and a synthesis ten; the machine may be busy. */
const TIMEOUT_MS = 150_000;

/** Outputs by stack, as `--outputs-file` has them. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What any AWS client needs to speak to the emulator, and this shell's PATH. No other variable gets through. */
export function shellOf(endpoint: string, home: string): Record<string, string> {
  return {
    PATH: [path.dirname(process.execPath), process.env.PATH ?? ''].join(path.delimiter),
    HOME: home,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    // Nothing leaves this machine.
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  };
}

/** The settings of a deployment, by name. */
export type Context = Readonly<Record<string, string>>;

/** Whom commands are run for. */
export interface Deployer {
  readonly shell: Readonly<Record<string, string>>;
  /** Where the cloud assembly and the outputs go. */
  readonly folder: string;
}

/** `cdk bootstrap`, as the README has it. */
export async function bootstrap({ shell }: Deployer): Promise<void> {
  await runNode([CDK, 'bootstrap', `aws://${ACCOUNT}/${REGION}`, '--no-notices'], shell);
}

/** What a deployment came to. */
export interface Deployment {
  readonly outputs: Outputs;
  /** What the CLI wrote. */
  readonly told: string;
}

/** `cdk deploy --all -c …`. */
export async function deployAll({ shell, folder }: Deployer, context: Context): Promise<Deployment> {
  const outputs = path.join(folder, 'outputs.json');
  const options = ['--strict', '--ci', '--progress', 'events', '--require-approval', 'never'];
  const places = ['--output', assemblyOf(folder), '--outputs-file', outputs];
  const told = await runNode(
    [CDK, 'deploy', '--all', '--no-notices', ...settings(context), ...options, ...places],
    shell,
  );
  return { told, outputs: JSON.parse(readFileSync(outputs, 'utf8')) as Outputs };
}

/** `cdk destroy --all -c …`. */
export async function destroyAll({ shell, folder }: Deployer, context: Context): Promise<void> {
  const options = ['--force', '--output', assemblyOf(folder)];
  await runNode([CDK, 'destroy', '--all', '--no-notices', ...settings(context), ...options], shell);
}

function settings(context: Context): string[] {
  return Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The cloud assembly that `deployAll` deployed. */
export function assemblyOf(folder: string): string {
  return path.join(folder, 'cdk.out');
}

/** Runs a script of the checkout with the Node that runs us and gives what it wrote. Throws with its last words when it fails. */
export async function runNode(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  const stopNow = () => child.kill('SIGKILL');
  process.once('exit', stopNow);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  process.off('exit', stopNow);
  const output = Buffer.concat(chunks).toString('utf8');
  if (exitCode !== 0)
    throw new Error(`${args.slice(0, 3).join(' ')} failed:\n${output.trim().split('\n').slice(-25).join('\n')}`);
  return output;
}
