import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { METRICS } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { findLeaks } from '../../local/demo/leak-scan.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { ClockFixedError } from '../../local/real-providers.ts';

const CLIENT = { clientId: 'a-developers-app', clientSecret: new Secret('only-the-token-endpoint-may-see-this') };

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ providers: { kind: 'real', keys: { quickbooks: CLIENT } } });
});
afterAll(() => platform.stop());

/** Where a form of the start page leads, one hop. */
async function submit(provider: string): Promise<string> {
  const body = new URLSearchParams({ organization_id: 'acme', provider });
  const answer = await fetch(`${platform.origin}/connect`, { method: 'POST', body, redirect: 'manual' });
  return answer.headers.get('location') ?? '';
}

test('a connect leads to the provider’s own page, with the developer’s client id and the redirect URI to register', async () => {
  const answer = await fetch(await submit('quickbooks'), { redirect: 'manual' });
  expect(answer.status).toBe(302);
  const url = new URL(answer.headers.get('location') ?? '');
  const { state, ...query } = Object.fromEntries(url.searchParams);
  expect(`${url.origin}${url.pathname}`).toBe('https://appcenter.intuit.com/connect/oauth2');
  expect(query).toEqual({
    client_id: 'a-developers-app',
    response_type: 'code',
    scope: 'com.intuit.quickbooks.accounting',
    redirect_uri: `${platform.origin}/api/v1/oauth/quickbooks/callback`,
  });
  expect(state).toMatch(/^v1\./);
});

test('a provider without keys is not offered, and cannot be connected', async () => {
  const page = await (await fetch(platform.origin)).text();
  expect(page).toContain('Connect to QuickBooks');
  expect(page).not.toContain('Connect to Xero');
  const answer = await fetch(await submit('xero'), { redirect: 'manual' });
  expect(answer.headers.get('location') ?? (await answer.text())).toContain('secret_unavailable');
});

test('time cannot be moved, and the page says so', async () => {
  await expect(platform.advance(60)).rejects.toBeInstanceOf(ClockFixedError);
  const answer = await fetch(`${platform.origin}/_local/clock`, { method: 'POST', body: '{"advanceSeconds":60}' });
  expect([answer.status, await answer.json()]).toEqual([
    409,
    {
      error: {
        code: 'clock_fixed',
        message: 'the clock cannot be moved: the providers are real and live in real time',
      },
    },
  ]);
  expect(await (await fetch(platform.origin)).text()).toContain('The providers are real, so it cannot be moved.');
});

test('nothing is listening in the providers’ place, and no function was told where they are', () => {
  expect(platform.realProviders).toEqual(['quickbooks']);
  expect(() => platform.providers).toThrow('no simulators are running');
  const told = platform.assembly.functions.map(({ environment }) => environment.GK_PROVIDER_ORIGINS);
  expect(new Set(told)).toEqual(new Set([undefined]));
});

test('a sweep without connections calls nobody, and no line holds the secret', async () => {
  const lambda = new LambdaClient({
    endpoint: platform.awsEndpointUrl,
    region: platform.region,
    credentials: { ...platform.credentials },
  });
  const { FunctionError, StatusCode } = await lambda.send(
    new InvokeCommand({ FunctionName: platform.functions['refresh-due'], Payload: '{"source":"aws.events"}' }),
  );
  lambda.destroy();
  expect([StatusCode, FunctionError]).toEqual([200, undefined]);
  const lines = platform.logs().map(({ function: name, line }) => `${name} ${line}`);
  expect(lines.some((line) => line.includes(METRICS.sweepHeartbeat))).toBe(true);
  // Every request to a provider is counted, whatever becomes of it.
  expect(lines.filter((line) => line.includes(METRICS.providerLatency))).toEqual([]);
  const secret = CLIENT.clientSecret.open();
  expect(findLeaks([{ name: 'logs', text: lines.join('\n') }], [secret])).toEqual([]);
});

test.for([
  [
    ['real'],
    {},
    `cannot start: --providers real needs the keys of your own app, of one provider at least:
  QBO_CLIENT_ID and QBO_CLIENT_SECRET are not set: https://developer.intuit.com (your app, Keys & credentials, Development)
  XERO_CLIENT_ID and XERO_CLIENT_SECRET are not set: https://developer.xero.com/app/manage (your app, Configuration)
`,
  ],
  [
    ['real'],
    { QBO_CLIENT_ID: 'an-id', XERO_CLIENT_SECRET: 'a-secret-of-nobody' },
    `cannot start: --providers real needs the keys of your own app, of one provider at least:
  QBO_CLIENT_SECRET is not set: https://developer.intuit.com (your app, Keys & credentials, Development)
  XERO_CLIENT_ID is not set: https://developer.xero.com/app/manage (your app, Configuration)
`,
  ],
  [
    ['reel'],
    {},
    '--providers must be simulated or real (usage: npm start -- [--port 8080] [--providers simulated|real] [--ready-file FILE] [--verbose])\n',
  ],
] as const)('npm start -- --providers %j with %o is told what is missing', async ([words, variables, said]) => {
  const stderr = await new Promise((resolve) => {
    execFile(process.execPath, [MAIN, '--providers', ...words], { env: variables }, (_error, _out, err) =>
      resolve(err),
    );
  });
  expect(stderr).toBe(said);
});

test('npm start -- --providers real hands the keys to no program that it starts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'grantkeeper-keys-'));
  const seen = join(folder, 'seen');
  // Every Node process writes down whether it was given the secret: the platform itself, and the CDK app.
  const look = `data:text/javascript,${encodeURIComponent(`
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
if (isMainThread) appendFileSync(${JSON.stringify(seen)}, process.env.QBO_CLIENT_SECRET === undefined ? 'without ' : 'with ');
`)}`;
  const env = { NODE_OPTIONS: `--import ${look}`, QBO_CLIENT_ID: 'an-id', QBO_CLIENT_SECRET: 'a-secret-of-nobody' };
  const child = spawn(process.execPath, [MAIN, '--providers', 'real', '--port', String(await freePort())], {
    env,
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await expect.poll(() => readFileSync(seen, 'utf8'), { timeout: 15_000 }).toBe('with without ');
  child.kill('SIGTERM');
  await exited;
  rmSync(folder, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
