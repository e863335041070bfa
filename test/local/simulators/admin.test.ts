import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Bench, OTHER_QUICKBOOKS, QUICKBOOKS, send } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());
beforeEach(() => bench.reset());

describe('the admin surface', () => {
  test.for<[string, unknown, string]>([
    ['config', { accessTokenSecond: 60 }, 'accessTokenSecond'],
    ['config', { accessTokenSeconds: 0 }, 'accessTokenSeconds'],
    ['config', { accessTokenSeconds: '60' }, 'accessTokenSeconds'],
    ['config', { rotation: 'weekly' }, 'rotation'],
    ['config', { punishConcurrent: 'yes' }, 'punishConcurrent'],
    ['config', { latencyMs: -1 }, 'latencyMs'],
    ['config', [], 'body'],
    ['faults', { kind: 'html' }, 'endpoint'],
    ['faults', { endpoint: 'tokens', kind: 'html' }, 'endpoint'],
    ['faults', { endpoint: 'token', kind: 'explode' }, 'kind'],
    ['faults', { endpoint: 'token', kind: 'status' }, 'status'],
    ['faults', { endpoint: 'token', kind: 'slow' }, 'delayMs'],
    ['faults', { endpoint: 'token', kind: 'error_json' }, 'error'],
    ['faults', { endpoint: 'token', kind: 'drop_before', status: 500 }, 'status'],
    ['faults', { endpoint: 'token', kind: 'html', times: 0 }, 'times'],
    ['revoke', {}, 'tenantId'],
    ['revoke', { tenantId: 'nobody' }, 'tenantId'],
    ['secret', { clientSecret: '' }, 'clientSecret'],
    ['secret', { clientSecret: 'good', clientId: 'x' }, 'clientId'],
  ])('refuses %s %j and names the field', async ([path, body, field]) => {
    const answer = await bench.admin(bench.quickbooks, path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: 'bad_request', field });
  });

  test('refuses at Xero a rotation that Xero does not know', async () => {
    const answer = await bench.admin(bench.xero, 'config', { rotation: 'daily' });
    expect([answer.status, answer.body.error.field]).toEqual([400, 'rotation']);
    expect((await bench.admin(bench.xero, 'config', { rotation: 'every_call' })).status).toBe(200);
  });

  test('refuses a body that is not JSON, another method and an unknown path', async () => {
    const broken = await send(`${bench.quickbooks}/_sim/config`, { method: 'POST', body: '{' });
    expect([broken.status, broken.body.error.field]).toEqual([400, 'body']);
    expect((await send(`${bench.quickbooks}/_sim/reset`)).status).toBe(405);
    expect((await send(`${bench.quickbooks}/_sim/unknown`)).status).toBe(404);
  });

  test('changes only what is named, and only at that provider', async () => {
    const answer = await bench.admin(bench.quickbooks, 'config', { accessTokenSeconds: 120, dateSkewSeconds: -300 });
    expect(answer.body.config).toEqual({
      accessTokenSeconds: 120,
      rotation: 'daily',
      graceSeconds: 86_400,
      punishConcurrent: true,
      latencyMs: 0,
      numbersAsStrings: false,
      accessTokenChars: 1000,
      dateSkewSeconds: -300,
    });
    const tokens = await bench.connectQuickBooks();
    expect(tokens.expires_in).toBe(120);
    expect((await bench.connectXero()).expires_in).toBe(1800);
    const skewed = await bench.companyInfo(tokens.access_token);
    expect(skewed.headers.get('date')).toBe(new Date(bench.clock.now() - 300_000).toUTCString());
  });

  test('faults that have not struck yet can be called off', async () => {
    await bench.admin(bench.quickbooks, 'faults', { endpoint: 'token', kind: 'html', times: 9 });
    const answer = await send(`${bench.quickbooks}/_sim/faults`, { method: 'DELETE' });
    expect([answer.status, answer.body]).toEqual([200, { faults: [] }]);
  });

  test('a reset forgets tokens, faults, settings, the rotated secret and the ledger of that provider only', async () => {
    const quickBooks = await bench.connectQuickBooks();
    const xero = await bench.connectXero();
    await bench.admin(bench.quickbooks, 'secret', { clientSecret: 'rotated' });
    await bench.admin(bench.quickbooks, 'faults', { endpoint: 'token', kind: 'html', times: 9 });
    expect((await bench.admin(bench.quickbooks, 'reset', {})).body).toEqual({ reset: true });
    expect(bench.ledger().map((entry) => entry.provider)).toEqual(['xero']);
    expect((await bench.quickBooksRefresh(quickBooks.refresh_token)).body).toEqual({
      error: 'invalid_grant',
      error_description: 'Incorrect or invalid refresh token',
    });
    expect((await send(`${bench.quickbooks}/_sim/config`)).body.config.latencyMs).toBe(25);
    expect((await bench.xeroRefresh(xero.refresh_token)).status).toBe(200);
  });

  test('lists every secret ever issued, across resets', async () => {
    const code = (await bench.quickBooksConsent()).searchParams.get('code');
    const tokens = await bench.connectQuickBooks();
    await bench.admin(bench.quickbooks, 'secret', { clientSecret: 'rotated' });
    await bench.admin(bench.quickbooks, 'reset', {});
    const { secrets } = (await send(`${bench.quickbooks}/_sim/issued`)).body;
    expect(secrets).toEqual(
      expect.arrayContaining([
        QUICKBOOKS.clientSecret,
        OTHER_QUICKBOOKS.clientSecret,
        'rotated',
        code,
        tokens.access_token,
        tokens.refresh_token,
      ]),
    );
    expect(bench.issuedSecrets()).toEqual(expect.arrayContaining(secrets));
  });
});

describe('starting', () => {
  test('puts Xero on the port after Intuit’s and refuses a port that is taken, leaving nothing behind', async () => {
    const { blocker, port } = await blockSecondOfTwoPorts();
    await expect(Bench.start({ port: port - 1 })).rejects.toThrow(`port ${port} is taken; choose another`);
    await new Promise((resolve) => blocker.close(resolve));
    const second = await Bench.start({ port: port - 1 });
    expect([second.quickbooks, second.xero]).toEqual([`http://localhost:${port - 1}`, `http://localhost:${port}`]);
    await second.stop();
  });
});

/** Takes a port whose lower neighbour is free. */
async function blockSecondOfTwoPorts(): Promise<{ blocker: Server; port: number }> {
  for (let tries = 0; tries < 20; tries += 1) {
    const blocker = await listen(0);
    if (!blocker) continue;
    const { port } = blocker.address() as { port: number };
    const neighbour = await listen(port - 1);
    if (neighbour) await new Promise((resolve) => neighbour.close(resolve));
    if (neighbour) return { blocker, port };
    blocker.close();
  }
  throw new Error('no two free ports in a row');
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
