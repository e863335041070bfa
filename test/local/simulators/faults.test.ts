import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Bench, basic, QUICKBOOKS, quickBooksAuthorizeUrl, send, until } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());
beforeEach(() => bench.reset());

async function strike(fault: object): Promise<void> {
  expect((await bench.admin(bench.quickbooks, 'faults', fault)).status).toBe(200);
}

function lastEntry() {
  const { status, outcome, committed, rotated } = bench.ledger().at(-1) ?? {};
  return { status, outcome, committed, rotated };
}

describe('faults that keep a request from being processed', () => {
  test.for<[string, object, number, string, unknown]>([
    ['a bare 503', { kind: 'status', status: 503 }, 503, '', null],
    ['a 429 with Retry-After', { kind: 'status', status: 429, retryAfter: 60 }, 429, '', '60'],
    [
      'a 401 with an error',
      { kind: 'status', status: 401, error: 'invalid_client' },
      401,
      '{"error":"invalid_client"}',
      null,
    ],
    [
      'an outage that says invalid_grant',
      { kind: 'error_json', error: 'invalid_grant' },
      400,
      '{"error":"invalid_grant"}',
      null,
    ],
    ['an edge page', { kind: 'html', status: 403 }, 403, '<html><head><title>Access Denied</title></head>', null],
    ['a gateway page', { kind: 'html' }, 502, '<html><head><title>502 Bad Gateway</title></head>', null],
  ])('%s leaves the token as it was', async ([, fault, status, start, retryAfter]) => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
    const { refresh_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', ...fault });
    const answer = await bench.quickBooksRefresh(refresh_token);
    expect(answer.status).toBe(status);
    expect(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)).toContain(start);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(answer.headers.get('intuit_tid')).toMatch(/^1-/);
    expect(lastEntry()).toMatchObject({ status, outcome: (fault as { kind: string }).kind, committed: false });
    expect((await bench.quickBooksRefresh(refresh_token)).status).toBe(200);
  });

  test('a connection reset before processing', async () => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
    const { refresh_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', kind: 'drop_before' });
    await expect(bench.quickBooksRefresh(refresh_token)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(lastEntry()).toEqual({ status: 0, outcome: 'drop_before', committed: false, rotated: undefined });
    expect((await bench.quickBooksRefresh(refresh_token)).status).toBe(200);
  });
});

describe('faults that lose the answer of a processed request', () => {
  test.for<[string, object, number]>([
    ['a reset instead of the answer', { kind: 'drop_after_commit' }, 0],
    ['half an answer', { kind: 'truncate' }, 200],
  ])('%s', async ([, fault, status]) => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
    const { refresh_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', ...fault });
    await expect(bench.quickBooksRefresh(refresh_token)).rejects.toThrow();
    expect(lastEntry()).toEqual({ status, outcome: (fault as { kind: string }).kind, committed: true, rotated: true });
    expect((await bench.quickBooksRefresh(refresh_token)).body).toEqual({ error: 'invalid_grant' });
  });

  test.for<[string, object, string]>([
    ['an empty 200', { kind: 'empty_200' }, ''],
    ['a page with 200', { kind: 'html', status: 200 }, '<html>'],
  ])('%s', async ([, fault, start]) => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
    const { refresh_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', ...fault });
    const answer = await bench.quickBooksRefresh(refresh_token);
    expect(answer.status).toBe(200);
    expect(answer.body.startsWith(start)).toBe(true);
    expect(lastEntry()).toMatchObject({ status: 200, committed: true });
    expect((await bench.quickBooksRefresh(refresh_token)).body).toEqual({ error: 'invalid_grant' });
  });

  test('a slow answer stands in the ledger before it leaves, and stays in flight when the client hangs up', async () => {
    const { refresh_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', kind: 'slow', delayMs: 400 });
    const impatient = request(`${bench.quickbooks}/oauth2/v1/tokens/bearer`, {
      method: 'POST',
      headers: { ...basic(QUICKBOOKS), 'content-type': 'application/x-www-form-urlencoded' },
    });
    impatient.on('error', () => {});
    impatient.end(`grant_type=refresh_token&refresh_token=${refresh_token}`);
    await until(() => bench.ledger().at(-1)?.outcome === 'slow');
    expect(lastEntry()).toEqual({ status: 200, outcome: 'slow', committed: true, rotated: false });
    impatient.destroy();
    await bench.quickBooksRefresh(refresh_token);
    expect(bench.ledger().at(-1)).toMatchObject({ inFlight: 2, outcome: 'invalid_grant' });
    await new Promise((resolve) => setTimeout(resolve, 450));
    await bench.quickBooksRefresh(refresh_token);
    expect(bench.ledger().at(-1)).toMatchObject({ inFlight: 1 });
  });
});

describe('a fault plan', () => {
  test('strikes its endpoint only, as often as it says, first come first served', async () => {
    const { refresh_token, access_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'token', kind: 'status', status: 503, times: 2 });
    await strike({ endpoint: 'token', kind: 'status', status: 429 });
    expect((await bench.companyInfo(access_token)).status).toBe(200);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await bench.quickBooksRefresh(refresh_token)).status);
    expect(statuses).toEqual([503, 503, 429, 200]);
  });

  test.for<[string, object, number, RegExp]>([
    ['a throttle', { kind: 'status', status: 429, error: '3001' }, 429, /"Fault":\{"Error":\[.*"code":"3001"/],
    [
      'the lower-case variant',
      { kind: 'error_json', status: 401, error: 'lower:3200' },
      401,
      /"fault":\{"error":\[.*"code":"3200"/,
    ],
    ['XML', { kind: 'error_json', status: 401, error: 'xml:3200' }, 401, /<Error code="3200">/],
    ['a fault inside 200', { kind: 'error_json', status: 200, error: '6190' }, 200, /"Fault":/],
  ])('shapes API faults as Intuit does: %s', async ([, fault, status, body]) => {
    const { access_token } = await bench.connectQuickBooks();
    await strike({ endpoint: 'api', ...fault });
    const answer = await bench.companyInfo(access_token);
    expect(answer.status).toBe(status);
    expect(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)).toMatch(body);
  });

  test('shapes API faults as Xero does', async () => {
    const { access_token } = await bench.connectXero();
    const fault = { endpoint: 'connections', kind: 'error_json', status: 403, error: 'AuthenticationUnsuccessful' };
    await bench.admin(bench.xero, 'faults', fault);
    const answer = await bench.xeroApi('/connections', access_token);
    expect([answer.status, answer.body.Detail]).toEqual([403, 'AuthenticationUnsuccessful']);
  });

  test('sends the browser back with an error of the provider', async () => {
    await strike({ endpoint: 'authorize', kind: 'error_json', error: 'temporarily_unavailable' });
    const answer = await send(quickBooksAuthorizeUrl(bench.quickbooks));
    expect(answer.status).toBe(302);
    expect(new URL(answer.headers.get('location') ?? '').search).toBe('?error=temporarily_unavailable&state=state-1');
  });
});
