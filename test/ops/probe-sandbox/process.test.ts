import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../ops/main.ts', import.meta.url));

/** Loaded before everything else: no name but this machine's is found, so that nothing can be sent anywhere. */
const NO_NETWORK = `data:text/javascript,${encodeURIComponent(`
import dns from 'node:dns';
const lookup = dns.lookup;
dns.lookup = (host, options, done) =>
  ['localhost', '127.0.0.1', '::1'].includes(host) ? lookup(host, options, done) : done(Object.assign(new Error(host), { code: 'ENOTFOUND' }));
`)}`;

test('as a program it sends the developer to Intuit, and on Ctrl-C reports how far it came', async () => {
  const port = await freePort();
  const secret = 'a-secret-of-nobody-at-all';
  const words = ['probe-sandbox', '--provider', 'quickbooks', '--yes', '--json', '--port', String(port)];
  const child = spawn(process.execPath, ['--import', NO_NETWORK, MAIN, ...words], {
    env: { PATH: process.env.PATH, QBO_CLIENT_ID: 'a-developers-app', QBO_CLIENT_SECRET: secret },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    const wasAsked = err.includes('https://');
    err += chunk.toString();
    if (!wasAsked && err.includes('https://')) child.kill('SIGINT');
  });
  const exitCode = await new Promise((resolve) => child.once('close', resolve));

  const url = new URL(/^https\S+$/m.exec(err)?.[0] ?? '');
  const { state, ...query } = Object.fromEntries(url.searchParams);
  expect(`${url.origin}${url.pathname}`).toBe('https://appcenter.intuit.com/connect/oauth2');
  expect(query).toEqual({
    client_id: 'a-developers-app',
    response_type: 'code',
    scope: 'com.intuit.quickbooks.accounting',
    redirect_uri: `http://localhost:${port}/callback`,
  });
  expect(state).toMatch(/^[\w-]{43}$/);
  expect(err).toContain('Stopping: what was obtained is being revoked.');
  expect(exitCode).toBe(3);
  const { results, ...told } = JSON.parse(out) as { results: { id: string; steps: { seen: { failure: string } }[] }[] };
  expect(told).toEqual({
    provider: 'QuickBooks Online',
    environment: 'sandbox',
    startedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
    returned: { revoked: 0, gone: 0, failed: 0 },
    hasLostTokens: false,
    requests: 2,
    stopped: 'interrupted',
  });
  expect(results.map(({ id, steps }) => [id, ...steps.map(({ seen }) => seen.failure)])).toEqual([
    ['keys', 'dns_failed', 'dns_failed'],
  ]);
  expect(out + err).not.toContain(secret);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
