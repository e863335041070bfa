import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../local/demo/api-client.ts';
import { Browser } from '../../local/demo/browser.ts';
import { TokenClient } from '../../local/demo/token-client.ts';
import { allowQuickBooks, REALMS, whereOf } from '../../local/demo/world.ts';

/** What the ready file promises to other programs (the contract of `npm start`). */
interface Ready {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly awsEndpointUrl: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly functions: { readonly 'get-token': string };
  readonly providers: { readonly quickbooks: string; readonly xero: string };
}

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'grantkeeper-start-'));
const readyFile = join(dir, 'ready.json');

let child: ChildProcess;
let ready: Ready;
let origin = '';
let stderr = '';
beforeAll(async () => {
  const port = await freePort();
  origin = `http://localhost:${port}`;
  child = spawn(process.execPath, [MAIN, '--port', String(port), '--ready-file', readyFile]);
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await firstLine(child);
  ready = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready;
});
afterAll(() => {
  child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

test('another program can do everything with what the ready file says', async () => {
  expect(Object.keys(ready).toSorted()).toEqual([
    'apiKey',
    'apiUrl',
    'awsEndpointUrl',
    'credentials',
    'functions',
    'providers',
    'region',
  ]);
  expect(ready.apiUrl).toBe(`${origin}/api`);
  const api = new ApiClient(ready);
  const { connectUrl } = await api.createSession({ organization_id: 'acme', provider: 'quickbooks' });
  const browser = new Browser();
  const page = await browser.submit(await browser.open(connectUrl), allowQuickBooks(REALMS.acme));
  expect(whereOf(page)).toBe('/settings/integrations?connected=true&system=quickbooks');
  expect(page.html).toContain('Connected');

  const tokens = new TokenClient(ready);
  const served = await tokens.need({ organizationId: 'acme', provider: 'quickbooks' });
  expect(served.apiBaseUrl).toBe(ready.providers.quickbooks);
  tokens.stop();

  const dynamodb = new DynamoDBClient({
    endpoint: ready.awsEndpointUrl,
    region: ready.region,
    credentials: { ...ready.credentials },
  });
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  dynamodb.destroy();
  expect(TableNames).toHaveLength(5);
});

test('the clock moves over HTTP, for functions and providers alike', async () => {
  const api = new ApiClient(ready);
  const before = await api.status('acme', 'quickbooks');
  const answer = await fetch(`${origin}/_local/clock`, { method: 'POST', body: '{"advanceSeconds": 7200}' });
  const { now, advancedSeconds } = (await answer.json()) as { now: number; advancedSeconds: number };
  expect(advancedSeconds).toBe(7_200);
  expect(Math.abs(now - Date.now() - 7_200_000)).toBeLessThan(60_000);
  const after = await api.status('acme', 'quickbooks');
  // The schedule kept it fresh meanwhile.
  expect(after.body).toMatchObject({ is_expired: false, health: 'healthy' });
  expect(Date.parse(String(after.body.expires_at))).toBeGreaterThan(Date.parse(String(before.body.expires_at)));
  const date = (await fetch(`${ready.providers.quickbooks}/v3/company/1/companyinfo/1`)).headers.get('date') ?? '';
  expect(Math.abs(Date.parse(date) - now)).toBeLessThan(60_000);
});

test('Ctrl-C stops all, with exit code 0, and says nothing wrong', async () => {
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));
  child.kill('SIGINT');
  expect(await exited).toEqual([0, null]);
  expect(stderr).toBe('');
  const addresses = [origin, ready.awsEndpointUrl, ready.providers.quickbooks, ready.providers.xero];
  expect(await Promise.all(addresses.map(isListening))).toEqual([false, false, false, false]);
});

/** Resolves with the first line of output; rejects when the program ends before it has one. */
function firstLine(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    program.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().split('\n')[0] ?? ''));
    program.once('exit', (code) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

function isListening(address: string): Promise<boolean> {
  const { port } = new URL(address);
  return new Promise((resolve) => {
    const socket = connectSocket(Number(port), '127.0.0.1');
    const done = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

test('no shell stands between npm and the platform, so that a signal to npm ends it', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
  expect([scripts.start, scripts.demo]).toEqual(['exec node local/main.ts', 'exec node local/demo/main.ts']);
});
