import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../ops/main.ts', import.meta.url));

/** What the operators' command line printed, and how it ended. */
export interface OpsEnd {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | null;
}

/** Where the command line finds AWS. */
export interface OpsPlace {
  readonly awsEndpointUrl: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The environment variables of a shell that speaks to an embedded AWS, and to nothing else. */
export function opsVariables({ awsEndpointUrl, region, credentials }: OpsPlace): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL: awsEndpointUrl,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** Runs `npm run ops -- <words>` as a process of its own, without a terminal. */
export async function runOps(words: readonly string[], variables: Readonly<Record<string, string>>): Promise<OpsEnd> {
  const child = spawn(process.execPath, [MAIN, ...words], { env: { ...variables }, stdio: 'pipe' });
  const text = { out: '', err: '' };
  child.stdin.end();
  child.stdout.on('data', (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.err += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { ...text, exitCode };
}
