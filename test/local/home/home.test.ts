import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHome, type HomeOptions } from '../../../local/home/home.ts';
import { html } from '../../../local/home/html.ts';
import { resultPage } from '../../../local/home/pages.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

interface ApiCall {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly key: string | string[] | undefined;
  readonly body: string;
}

/** The home page in front of an API that answers with `answers` by method and path. */
async function serve(answers: Record<string, [number, object]>, options: Partial<HomeOptions> = {}) {
  const calls: ApiCall[] = [];
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/api/') !== true) {
      if (!(await home.handle(request, response))) response.writeHead(404).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    calls.push({ method: request.method, url: request.url, key: request.headers['x-api-key'], body });
    const [status, answer] = answers[`${request.method} ${request.url}`] ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const home = createHome({
    apiUrl: `${origin}/api`,
    apiKey: 'gk_local_key',
    now: () => Date.UTC(2026, 10, 20),
    listConnections: async () => [],
    ...options,
  });
  stops.push(() => server.close().closeAllConnections());
  return { origin, calls };
}

function post(url: string, fields: Record<string, string>) {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
}

describe('the start page', () => {
  test('offers both systems for an organisation and shows the clock', async () => {
    const { origin } = await serve({});
    const response = await fetch(origin);
    const page = await response.text();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).toContain('<label for="organization_id">Organisation id in your application</label>');
    expect(page).toContain('<button name="provider" value="quickbooks">Connect to QuickBooks</button>');
    expect(page).toContain('<button name="provider" value="xero">Connect to Xero</button>');
    expect(page).toContain('2026-11-20T00:00:00.000Z');
    expect(page).toContain('None yet.');
  });

  test('its pattern for organisation ids works in browsers, which read it with the v flag', async () => {
    const { origin } = await serve({});
    const pattern = /pattern="([^"]+)"/.exec(await (await fetch(origin)).text())?.[1] ?? '';
    const compiled = new RegExp(`^(?:${pattern})$`, 'v');
    expect(['acme', 'a-b_c.d', '-a', 'a b', ''].map((id) => compiled.test(id))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('shows each connection with its health, and the problem where it cannot be read', async () => {
    const { origin, calls } = await serve(
      {
        'GET /api/v1/oauth/quickbooks/status/acme': [
          200,
          {
            connected: true,
            company_name: '<b>Acme & Sons</b>',
            health: 'healthy',
            expires_at: '2026-11-20T01:00:00Z',
          },
        ],
        'GET /api/v1/oauth/xero/status/beta': [503, { error: { code: 'unavailable', message: 'Later.' } }],
      },
      {
        listConnections: async () => [
          { organizationId: 'acme', provider: 'quickbooks' },
          { organizationId: 'beta', provider: 'xero' },
        ],
      },
    );
    const page = await (await fetch(origin)).text();
    expect(page).toContain('&#60;b&#62;Acme &#38; Sons&#60;/b&#62;');
    expect(page).toContain('<td>healthy</td><td>2026-11-20T01:00:00Z</td>');
    expect(page).toContain('aria-label="Disconnect acme from QuickBooks"');
    expect(page).toContain('unavailable: Later.');
    expect(page).not.toContain('aria-label="Disconnect beta from Xero"');
    expect(page).not.toContain('gk_local_key');
    expect(calls.map(({ key }) => key)).toEqual(['gk_local_key', 'gk_local_key']);
  });

  test('names the alarms that are in ALARM, where somebody watches', async () => {
    const names = ['grantkeeper-local-refresh-lag', 'grantkeeper-local-circuit-open'];
    const alarmed = await serve({}, { listAlarms: async () => names });
    expect(await (await fetch(alarmed.origin)).text()).toContain(
      'In ALARM: grantkeeper-local-circuit-open, grantkeeper-local-refresh-lag.',
    );
    const calm = await serve({}, { listAlarms: () => [] });
    expect(await (await fetch(calm.origin)).text()).toContain('No alarm is in ALARM.');
    const unwatched = await serve({});
    expect(await (await fetch(unwatched.origin)).text()).not.toContain('ALARM');
  });

  test('offers the real providers that there are keys for, and says that time stands by itself', async () => {
    const { origin } = await serve({}, { realProviders: ['xero'] });
    const page = await (await fetch(origin)).text();
    expect([page.includes('Connect to Xero'), page.includes('Connect to QuickBooks')]).toEqual([true, false]);
    expect(page).toContain('The providers are real, so it cannot be moved. Disconnect before you stop');
    const simulated = await serve({});
    expect(await (await fetch(simulated.origin)).text()).not.toContain('cannot be moved');
  });

  test('escapes what its address says', async () => {
    const { origin } = await serve({});
    const query = new URLSearchParams({ notice: '<script>', problem: '"x"', organization_id: '"><img>' });
    const page = await (await fetch(`${origin}/?${query}`)).text();
    expect(page).toContain('<p role="status">&#60;script&#62;</p>');
    expect(page).toContain('<p role="alert">&#34;x&#34;</p>');
    expect(page).toContain('value="&#34;&#62;&#60;img&#62;"');
  });
});

describe('connecting and disconnecting', () => {
  test('starts a session with the key and leads the browser to it', async () => {
    const { origin, calls } = await serve({
      'POST /api/v1/connect-sessions': [
        201,
        { session_id: 's', connect_url: 'http://localhost:1/go', expires_at: 'x' },
      ],
    });
    const response = await post(`${origin}/connect`, { organization_id: 'acme', provider: 'xero' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://localhost:1/go']);
    expect(calls).toEqual([
      {
        method: 'POST',
        url: '/api/v1/connect-sessions',
        key: 'gk_local_key',
        body: '{"organization_id":"acme","provider":"xero"}',
      },
    ]);
  });

  test('a refused session comes back as a problem', async () => {
    const { origin } = await serve({
      'POST /api/v1/connect-sessions': [400, { error: { code: 'invalid_request', message: 'Bad id.' } }],
    });
    const response = await post(`${origin}/connect`, { organization_id: 'a b', provider: 'xero' });
    expect(response.headers.get('location')).toBe('/?organization_id=a+b&problem=invalid_request%3A+Bad+id.');
  });

  test('disconnects and says so', async () => {
    const { origin, calls } = await serve({ 'POST /api/v1/oauth/xero/disconnect/acme': [200, { success: true }] });
    const response = await post(`${origin}/disconnect`, { organization_id: 'acme', provider: 'xero' });
    expect(response.headers.get('location')).toBe('/?organization_id=acme&notice=acme+is+disconnected+from+xero.');
    expect(calls.length).toBe(1);
  });

  test('leaves other pages to others', async () => {
    const { origin } = await serve({});
    expect((await fetch(`${origin}/nowhere`)).status).toBe(404);
    expect((await fetch(origin, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('the result page', () => {
  test.for<[string | null, string | null, string | null, string]>([
    ['true', 'quickbooks', null, '<h1>QuickBooks</h1><p role="status">Connected.</p>'],
    ['pending', 'xero', null, '<h1>Xero</h1><p role="status">The connection is still being made.'],
    ['false', 'xero', 'consent_denied', '<p role="alert">Not connected. Error code: <code>consent_denied</code></p>'],
    [
      'false',
      '<i>',
      '<b>',
      '<h1>The accounting system</h1><p role="alert">Not connected. Error code: <code>&#60;b&#62;</code></p>',
    ],
    [null, null, null, 'Error code: <code>none was given</code>'],
  ])('connected=%s system=%s error=%s', ([connected, system, error, expected]) => {
    expect(resultPage({ connected, system, error })).toContain(expected);
  });
});

test('a template escapes values, keeps markup, and leaves out undefined', () => {
  expect(html`<p>${'<\'&">'}${html`<b>${1}</b>`}${undefined}${[html`<i></i>`, '<']}</p>`.text).toBe(
    '<p>&#60;&#39;&#38;&#34;&#62;<b>1</b><i></i>&#60;</p>',
  );
});
