import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FUNCTIONS } from '../../lib/domain/names.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';

let platform: Platform;
const printed: string[] = [];
beforeAll(async () => {
  platform = await startPlatform({ log: ({ function: name, line }) => printed.push(`${name} ${line}`) });
});
afterAll(async () => {
  await platform.stop();
});

function api(method: string, path: string, body?: object): Promise<Response> {
  return fetch(platform.apiUrl + path, {
    method,
    headers: { 'x-api-key': platform.apiKey, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function getToken(organizationId: string): Promise<Record<string, unknown>> {
  const { awsEndpointUrl: endpoint, region, credentials, functions } = platform;
  const client = new LambdaClient({ endpoint, region, credentials: { ...credentials }, maxAttempts: 1 });
  const Payload = JSON.stringify({ organizationId, provider: 'quickbooks' });
  const output = await client.send(new InvokeCommand({ FunctionName: functions['get-token'], Payload }));
  client.destroy();
  return JSON.parse(output.Payload?.transformToString() ?? 'null') as Record<string, unknown>;
}

/** A browser as far as a connect flow needs one: keeps cookies of the API's host, does not follow redirects. */
function createBrowser() {
  const cookies = new Map<string, string>();
  return async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? [];
      cookies.set(name, value);
    }
    return response;
  };
}

function locationOf(response: Response): string {
  return response.headers.get('location') ?? '';
}

async function connect(organizationId: string): Promise<string> {
  const browse = createBrowser();
  const form = new URLSearchParams({ organization_id: organizationId, provider: 'quickbooks' });
  const connectUrl = locationOf(await browse(`${platform.origin}/connect`, { method: 'POST', body: form }));
  const consentUrl = locationOf(await browse(connectUrl));
  const page = await (await browse(consentUrl)).text();
  const company = /name="company" value="(\d+)"/.exec(page)?.[1] ?? '';
  const decision = new URLSearchParams({ company, decision: 'allow' });
  const callbackUrl = locationOf(await browse(consentUrl, { method: 'POST', body: decision }));
  return locationOf(await browse(callbackUrl));
}

describe('the application on this machine', () => {
  test('tells where everything is', () => {
    const { origin } = platform;
    expect(origin).toMatch(/^http:\/\/localhost:\d+$/);
    expect(platform.apiUrl).toBe(`${origin}/api`);
    expect(platform.region).toBe('us-east-1');
    expect(Object.keys(platform.functions).sort()).toEqual([...FUNCTIONS].sort());
    expect(platform.functions['get-token']).toBe(
      'arn:aws:lambda:us-east-1:000000000000:function:grantkeeper-local-get-token:default',
    );
    expect(platform.functions['refresh-grant']).toBe(
      'arn:aws:lambda:us-east-1:000000000000:function:grantkeeper-local-refresh-grant',
    );
    expect(Object.keys(platform.providers)).toEqual(['quickbooks', 'xero']);
  });

  test('refuses requests without a key or with a wrong one, in the API’s own form', async () => {
    const without = await fetch(`${platform.apiUrl}/v1/connect-sessions`, { method: 'POST' });
    expect([without.status, await without.json()]).toMatchObject([401, { error: { code: 'unauthorized' } }]);
    const last = platform.apiKey.endsWith('x') ? 'y' : 'x';
    const headers = { 'x-api-key': platform.apiKey.slice(0, -1) + last };
    const wrong = await fetch(`${platform.apiUrl}/v1/connect-sessions`, { method: 'POST', headers });
    expect(wrong.status).toBe(401);
  });

  test('connects a company through the provider’s page, and hands out its token', async () => {
    expect(await connect('acme')).toBe(`${platform.origin}/settings/integrations?connected=true&system=quickbooks`);
    const status = await api('GET', '/v1/oauth/quickbooks/status/acme');
    expect(await status.json()).toMatchObject({ connected: true, accounting_system: 'quickbooks', health: 'healthy' });
    expect(await getToken('acme')).toMatchObject({ status: 'ok', tokenType: 'Bearer', environment: 'sandbox' });
    expect(await (await fetch(platform.origin)).text()).toContain('aria-label="Disconnect acme from QuickBooks"');
  });

  test('refreshes by the schedule when the clock is moved, through the real rule and roles', async () => {
    const before = await getToken('acme');
    const response = await fetch(`${platform.origin}/_local/clock`, {
      method: 'POST',
      body: JSON.stringify({ advanceSeconds: 2_700 }),
    });
    expect(await response.json()).toEqual({ now: expect.any(Number), advancedSeconds: 2_700 });
    const after = await getToken('acme');
    expect(after.tokenVersion).toBeGreaterThan(Number(before.tokenVersion));
    expect(platform.guardReport().denied).toEqual([]);
  });

  test('judges the alarms of the template meanwhile, and says which it cannot judge', () => {
    const alarms = platform.alarms().map(({ name, state }) => [name.replace('grantkeeper-local-', ''), state]);
    const judged = alarms.filter(([, state]) => state !== 'INSUFFICIENT_DATA');
    expect(new Set(judged.map(([, state]) => state))).toEqual(new Set(['OK']));
    const unjudged = alarms.filter(([, state]) => state === 'INSUFFICIENT_DATA').map(([name]) => name);
    expect(unjudged).toEqual(['denied-calls', 'firewall-blocks']);
    const reasons = platform.notRun.filter(({ type }) => type === 'AWS::CloudWatch::Alarm').map(({ reason }) => reason);
    expect(reasons).toEqual([
      'grantkeeper-local-denied-calls is not judged: what is usual is not learnt here, so nothing is unusual (anomaly detection)',
      'grantkeeper-local-firewall-blocks is not judged: nobody measures AWS/WAFV2 here',
    ]);
    expect(platform.notifications()).toEqual([
      { at: expect.any(Number), topic: 'grantkeeper-local-page', alarm: 'grantkeeper-local-page', state: 'OK' },
    ]);
  });

  test('recovers from a killed function', async () => {
    await platform.killFunction('get-token');
    expect(await getToken('acme')).toMatchObject({ status: 'ok' });
  });

  test('keeps no secret in tables, log lines or the guard report', async () => {
    const dump = JSON.stringify(await platform.dumpTables());
    const logs = JSON.stringify(platform.logs()) + printed.join('\n');
    const report = JSON.stringify(platform.guardReport());
    const secrets = [...platform.simulators.issuedSecrets(), platform.apiKey];
    expect(secrets.length).toBeGreaterThan(4);
    expect(secrets.filter((secret) => (dump + logs + report).includes(secret))).toEqual([]);
    expect(dump).toContain('ORG#acme');
    expect(new Set(platform.logs().map(({ function: name }) => name))).toContain('refresh-due');
  });

  test('disconnects, and serves nothing afterwards', async () => {
    const response = await api('POST', '/v1/oauth/quickbooks/disconnect/acme');
    expect(await response.json()).toMatchObject({ success: true });
    expect(await getToken('acme')).toMatchObject({ status: 'error' });
  });

  test('used no statement in vain: every denial would be a missing permission', () => {
    expect(platform.guardReport().denied).toEqual([]);
    const used = platform.guardReport().allowed.map(({ principal, statement }) => `${principal} ${statement}`);
    expect(used).toContain('grantkeeper-local-get-token OpenTokens');
  });
});

describe('npm start', () => {
  const dir = mkdtempSync(join(tmpdir(), 'npm-start-test-'));
  const main = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
  afterAll(() => rmSync(dir, { recursive: true }));

  function run(args: readonly string[]) {
    return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code, stdout, stderr });
      });
    });
  }

  test.for<[string[], string]>([
    [['--port', 'abc'], '--port must be 1 to 65535'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['word'], "Unexpected argument 'word'"],
  ])('%j is refused in one line', async ([args, message]) => {
    expect(await run(args)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${message} (usage: npm start -- [--port 8080] [--providers simulated|real] [--ready-file FILE] [--verbose])\n`,
    });
  });

  test('a taken port is told in one line', async () => {
    const port = new URL(platform.origin).port;
    expect(await run(['--port', port])).toEqual({
      code: 1,
      stdout: '',
      stderr: `cannot start: port ${port} is taken; choose another\n`,
    });
  });

  test('writes the ready file, says what to click, and stops on SIGTERM', async () => {
    const readyFile = join(dir, 'ready.json');
    const port = 20_000 + (process.pid % 10_000);
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = execFile(process.execPath, [main, '--port', String(port), '--ready-file', readyFile]);
    let stdout = '';
    child.stdout?.on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.includes('Ctrl-C')) resolve(stdout);
    });
    const exited = new Promise((done) => child.once('exit', done));
    expect(await promise).toMatch(
      new RegExp(`^ready http://localhost:${port}\n[\\s\\S]*click "Connect to QuickBooks"`),
    );
    const ready: unknown = JSON.parse(readFileSync(readyFile, 'utf8'));
    expect(ready).toEqual({
      apiUrl: `http://localhost:${port}/api`,
      apiKey: expect.stringMatching(/^gk_local_/),
      awsEndpointUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      region: 'us-east-1',
      credentials: { accessKeyId: expect.any(String), secretAccessKey: expect.any(String) },
      functions: platform.functions,
      providers: { quickbooks: expect.any(String), xero: expect.any(String) },
    });
    expect(stdout).toContain((ready as { apiKey: string }).apiKey);
    expect(statSync(readyFile).mode & 0o777).toBe(0o600);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(existsSync(readyFile)).toBe(true);
  }, 40_000);
});
