import { describe, expect, test } from 'vitest';
import type { FunctionName } from '../../lib/domain/names.ts';
import {
  allowQuickBooks,
  allowXero,
  connect,
  newBrowser,
  REALMS,
  type World,
  whereOf,
  XERO_ORGANISATIONS,
} from '../../local/demo/world.ts';
import { locationOf, openFlow, tokenRequests } from './fixture.ts';

const QUICKBOOKS_DONE = '/settings/integrations?connected=true&system=quickbooks';
const XERO_DONE = '/settings/integrations?connected=true&system=xero';
const { acme, birch, cedar } = XERO_ORGANISATIONS;

/** Connect flows as a browser and the providers see them. Leaves organisation `choosing` with Xero’s Cedar Cycles. */
export function describeConnect(world: () => World): void {
  describe('a connect link', () => {
    test('sends the browser to QuickBooks with a cookie and nothing that may be kept', async () => {
      const { api, providers, platform } = world();
      const { connectUrl } = await api.createSession({ organization_id: 'link', provider: 'quickbooks' });
      const page = await newBrowser(world()).visit(connectUrl);
      const { origin, pathname, searchParams } = new URL(locationOf(page));
      const { state, client_id: clientId, ...parameters } = Object.fromEntries(searchParams);
      expect([page.status, origin + pathname]).toEqual([302, `${providers.quickbooks.origin}/connect/oauth2`]);
      expect(parameters).toEqual({
        response_type: 'code',
        scope: 'com.intuit.quickbooks.accounting',
        redirect_uri: `${platform.apiUrl}/v1/oauth/quickbooks/callback`,
      });
      expect([state?.length, clientId?.length].every((length) => (length ?? 0) > 20)).toBe(true);
      expect(page.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^__Host-gk-browser=[\w-]{43}; Path=\/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax$/),
      ]);
      expect(page.headers.get('cache-control')).toBe('no-store, no-cache');
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    });

    test('survives being opened by a link scanner, and is spent by the callback', async () => {
      const { browser, consentPage, connectUrl } = await openFlow(world(), {
        organization_id: 'scanned',
        provider: 'quickbooks',
      });
      await newBrowser(world()).open(connectUrl);
      const page = await browser.submit(consentPage, allowQuickBooks(REALMS.cedar));
      expect(whereOf(page)).toBe(QUICKBOOKS_DONE);
      const again = await browser.open(connectUrl);
      expect([again.status, again.html.includes('This connect link is unknown or has expired.')]).toEqual([400, true]);
    });

    test('leads back to the session’s return URL', async () => {
      const { browser, consentPage } = await openFlow(world(), {
        organization_id: 'returning',
        provider: 'quickbooks',
        return_url: world().platform.origin,
      });
      const page = await browser.submit(consentPage, [['decision', 'deny']]);
      expect(whereOf(page)).toBe('/?connected=false&system=quickbooks&error=access_denied');
    });
  });

  describe('a code', () => {
    test('is sent once, however many callbacks come at the same time', async () => {
      const { browser, consentPage } = await openFlow(world(), { organization_id: 'parallel', provider: 'quickbooks' });
      const callback = await browser.submitOnce(consentPage, allowQuickBooks('9341453000000101'));
      const before = await tokenRequests(world(), 'quickbooks');
      const withoutCode = new URL(callback);
      withoutCode.searchParams.delete('code');
      slowDown(world(), 'dynamoDb', 'GetItem', 'callback');
      // Eight threads are at work from here on: those that have to start first would come one after the other.
      await Promise.all(Array.from({ length: 8 }, () => browser.visit(withoutCode)));
      // And whoever gets as far as to finish-connect finds the others there.
      slowDown(world(), 'kms', 'GenerateDataKey', 'finish-connect');
      const answers = await Promise.all(Array.from({ length: 8 }, () => browser.visit(callback)));
      world().platform.aws.kms.clearFaults();
      expect(await tokenRequests(world(), 'quickbooks')).toBe(before + 1);
      const results = answers.map((answer) => new URL(locationOf(answer)).searchParams.get('connected'));
      expect(results.filter((result) => result !== 'true' && result !== 'pending')).toEqual([]);
      expect(results).toContain('true');
      expect(whereOf(await browser.open(callback))).toBe(QUICKBOOKS_DONE);
      expect(await tokenRequests(world(), 'quickbooks')).toBe(before + 1);
    });

    test('that the provider refuses ends the flow and leaves an existing connection as it was', async () => {
      const flow = {
        organizationId: 'kept',
        provider: 'quickbooks',
        consent: allowQuickBooks('9341453000000102'),
      } as const;
      await connect(world(), flow);
      const before = await world().api.status('kept', 'quickbooks');
      await world().providers.quickbooks.fault({ endpoint: 'token', kind: 'error_json', error: 'invalid_grant' });
      const { page } = await connect(world(), flow);
      expect(whereOf(page)).toBe('/settings/integrations?connected=false&system=quickbooks&error=exchange_failed');
      expect((await world().api.status('kept', 'quickbooks')).body).toEqual(before.body);
      expect((await world().tokens.get({ organizationId: 'kept', provider: 'quickbooks' })).status).toBe('ok');
    });
  });

  describe('a state', () => {
    /** What is done to the callback's address, and by which browser it is visited. */
    const variants: readonly [string, (callback: URL) => void, ('own' | 'other' | 'bare')?][] = [
      ['is missing', (callback) => callback.searchParams.delete('state')],
      ['is no state at all', (callback) => callback.searchParams.set('state', 'x'.repeat(200))],
      [
        'was changed',
        (callback) => callback.searchParams.set('state', flipped(callback.searchParams.get('state') ?? '')),
      ],
      [
        'comes to the other provider’s callback',
        (callback) => {
          callback.pathname = callback.pathname.replace('quickbooks', 'xero');
        },
      ],
      ['comes from a browser without the cookie', () => {}, 'bare'],
      ['comes from a browser with another cookie', () => {}, 'other'],
    ];

    test.for(variants)('that %s is refused, and the provider hears nothing', async ([, change, visitor = 'own']) => {
      const { browser, consentPage } = await openFlow(world(), {
        organization_id: 'state',
        provider: 'quickbooks',
      });
      const callback = await browser.submitOnce(consentPage, allowQuickBooks('9341453000000103'));
      const before = (await world().providers.quickbooks.ledger()).length;
      const changed = new URL(callback);
      change(changed);
      const other =
        visitor === 'other'
          ? (await openFlow(world(), { organization_id: 'state', provider: 'quickbooks' })).browser
          : newBrowser(world());
      const page = await (visitor === 'own' ? browser : other).visit(changed);
      expect([page.status, page.html.includes('invalid_state')]).toEqual([400, true]);
      expect((await world().providers.quickbooks.ledger()).length).toBe(before);
      expect(whereOf(await browser.open(callback)), 'the true callback still works').toBe(QUICKBOOKS_DONE);
    });

    test('is told to programs as JSON and to people as a page that repeats nothing', async () => {
      const address = `${world().platform.apiUrl}/v1/oauth/quickbooks/callback?state=%3Cscript%3E&error=%3Cscript%3E`;
      const json = await fetch(address);
      expect([json.status, await json.json()]).toEqual([
        400,
        {
          error: {
            code: 'invalid_state',
            message: 'The state parameter was not issued by us for this flow, is too old, or was used before.',
            correlation_id: expect.any(String),
          },
        },
      ]);
      const page = await newBrowser(world()).visit(address);
      expect([page.status, page.html.includes('<script>'), page.html.includes('<h1>This did not work</h1>')]).toEqual([
        400,
        false,
        true,
      ]);
    });

    test.for<[string, string, string]>([
      ['realmId', 'missing_realm_id', 'a callback without a company'],
      ['code', 'invalid_request', 'a callback without a code'],
    ])('is not spent when %s is missing', async ([parameter, code]) => {
      const { browser, consentPage } = await openFlow(world(), { organization_id: 'parts', provider: 'quickbooks' });
      const callback = await browser.submitOnce(consentPage, allowQuickBooks('9341453000000104'));
      const before = await tokenRequests(world(), 'quickbooks');
      const changed = new URL(callback);
      changed.searchParams.delete(parameter);
      const page = await browser.visit(changed);
      expect([page.status, page.html.includes(code)]).toEqual([400, true]);
      expect(await tokenRequests(world(), 'quickbooks')).toBe(before);
      expect(whereOf(await browser.open(callback))).toBe(QUICKBOOKS_DONE);
    });

    test('never lets the provider’s words through', async () => {
      const { browser, consentPage } = await openFlow(world(), { organization_id: 'words', provider: 'quickbooks' });
      const state = new URL(consentPage.url).searchParams.get('state') ?? '';
      const query = new URLSearchParams({
        state,
        error: 'evil_code',
        error_description: 'call+555',
        error_uri: 'http://x',
      });
      const page = await browser.visit(`${world().platform.apiUrl}/v1/oauth/quickbooks/callback?${query}`);
      const { origin } = world().platform;
      expect(locationOf(page)).toBe(
        `${origin}/settings/integrations?connected=false&system=quickbooks&error=provider_error`,
      );
    });
  });

  describe('several companies in one Xero authorisation', () => {
    test('are offered on our page, only to the browser that came back, and only they can be chosen', async () => {
      const flow = {
        organizationId: 'choosing',
        provider: 'xero',
        consent: allowXero('accountant', [birch, cedar]),
      } as const;
      const { browser, page, sessionId } = await connect(world(), flow);
      expect(page.url.pathname).toBe('/api/v1/oauth/xero/choose');
      expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect([page.html.includes('Birch Bakery'), page.html.includes('Cedar Cycles')]).toEqual([true, true]);
      expect((await world().api.session(sessionId)).body.stage).toBe('choosing');

      const stranger = newBrowser(world());
      expect((await stranger.open(page.url)).status).toBe(400);
      expect((await stranger.submit(page, [['tenant_id', birch]])).status).toBe(400);
      expect(
        (
          await browser.submit(page, [
            ['proof', 'x'.repeat(43)],
            ['tenant_id', birch],
          ])
        ).status,
      ).toBe(400);
      const notOffered = await browser.submit(page, [['tenant_id', acme]]);
      expect([notOffered.status, notOffered.html.includes('invalid_request')]).toEqual([400, true]);

      expect(whereOf(await browser.submit(page, [['tenant_id', cedar]]))).toBe(XERO_DONE);
      expect(whereOf(await browser.submit(page, [['tenant_id', birch]])), 'the choice stands').toBe(XERO_DONE);
      expect((await world().api.status('choosing', 'xero')).body).toMatchObject({
        connected: true,
        realm_id: cedar,
        company_name: 'Cedar Cycles',
      });
    });
  });
}

/** Another last character: of a signature, one that counts. */
function flipped(state: string): string {
  const middle = Math.floor(state.length / 2);
  return state.slice(0, middle) + (state[middle] === 'A' ? 'B' : 'A') + state.slice(middle + 1);
}

/** The next requests of a function to one of its services take a second. */
function slowDown(world: World, service: 'dynamoDb' | 'kms', operation: string, name: FunctionName): void {
  const { aws } = world.platform;
  aws.dynamoDb.clearFaults();
  const principal = `grantkeeper-local-${name}`;
  aws[service].failNext({ operation, code: 'delay', delayMs: 1_000, times: 8, principal });
}
