import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { World } from '../../local/demo/world.ts';
import { CHROMIUM } from './chromium.ts';
import { useWorld } from './fixture.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Well below the time limit of a test, so that what is missing is told by name. */
const ACTION_MS = 8_000;

/** The pages as a person meets them, clicked through in Chromium. */
export function describeInChromium(): void {
  describe('in Chromium', () => {
    describe('with a link', () => {
      clickThrough(useWorld());
    });
    describe('with our own page before the provider’s', () => {
      answerOurPage(useWorld({ context: { connectBinding: 'interstitial', partnerName: 'Partner & Co' } }));
    });
  });
}

/** A new window without cookies per test; whatever Chromium complains about fails the test. */
function useWindow(): () => Page {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(ACTION_MS);
    page.on('console', (message) => {
      // No page of ours has an icon; Chromium looks for one all the same.
      const isIcon = message.location().url.endsWith('/favicon.ico');
      if (message.type() === 'error' && !isIcon) complaints.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).hostname !== 'localhost') complaints.push(`request to ${request.url()}`);
    });
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  return () => page;
}

function clickThrough(world: () => World): void {
  const page = useWindow();

  test('a person connects a company, sees it, and disconnects it', async () => {
    await startFrom(page(), world(), 'acme', 'QuickBooks');
    await page().getByRole('radio', { name: 'Acme Books' }).check();
    await page().getByRole('button', { name: 'Allow access' }).click();
    expect(await page().getByRole('status').textContent()).toBe('Connected.');
    expect(page().url()).toBe(`${world().platform.origin}/settings/integrations?connected=true&system=quickbooks`);
    const cookies = await page().context().cookies();
    expect(cookies.map(({ name, secure, httpOnly, sameSite }) => [name, secure, httpOnly, sameSite])).toEqual([
      ['__Host-gk-browser', true, true, 'Lax'],
    ]);

    await page().getByRole('link', { name: 'Back to the start' }).click();
    const row = page().getByRole('row', { name: 'acme' });
    const cells = await row.getByRole('cell').allTextContents();
    expect(cells.slice(0, 3)).toEqual(['QuickBooks', 'Acme Books', 'healthy']);
    await row.getByRole('button', { name: 'Disconnect acme from QuickBooks' }).click();
    expect(await page().getByRole('status').textContent()).toBe('acme is disconnected from quickbooks.');
    expect((await page().getByRole('row', { name: 'acme' }).getByRole('cell').allTextContents())[2]).toBe(
      'disconnected',
    );
  });

  test('a person who declines is told so', async () => {
    await startFrom(page(), world(), 'declining', 'QuickBooks');
    await page().getByRole('button', { name: 'Deny' }).click();
    expect(await page().getByRole('alert').textContent()).toBe('Not connected. Error code: access_denied');
  });

  test('a person with several Xero companies chooses one on our page', async () => {
    await startFrom(page(), world(), 'birch', 'Xero');
    const accountant = page().locator('form', { has: page().locator('input[value="accountant"]') });
    await accountant.getByRole('checkbox', { name: 'Birch Bakery' }).check();
    await accountant.getByRole('checkbox', { name: 'Cedar Cycles' }).check();
    await accountant.getByRole('button', { name: 'Allow access' }).click();
    const heading = page().getByRole('heading', { name: 'Which company do you want to connect?' });
    await heading.waitFor();
    expect(await fontSizeOf(page(), 'h1')).toBe('22.4px');
    expect(await page().getByRole('radio', { checked: true }).count()).toBe(0);
    await page().getByRole('radio', { name: 'Birch Bakery' }).check();
    await page().getByRole('button', { name: 'Connect this company' }).click();
    expect(await page().getByRole('status').textContent()).toBe('Connected.');
  });
}

function answerOurPage(world: () => World): void {
  const page = useWindow();

  test('a person is told who asks for what, goes on, and comes back connected', async () => {
    await startFrom(page(), world(), 'acme', 'QuickBooks');
    const heading = page().getByRole('heading', { name: 'Connect QuickBooks Online to Partner & Co?' });
    await heading.waitFor();
    expect(await fontSizeOf(page(), 'h1')).toBe('22.4px');
    expect(await page().getByRole('definition').allTextContents()).toEqual(['acme']);
    await page().getByRole('button', { name: 'Continue to QuickBooks Online' }).click();
    await page().getByRole('button', { name: 'Allow access' }).click();
    expect(await page().getByRole('status').textContent()).toBe('Connected.');
  });

  test('a link that was used before says what to do', async () => {
    const { connectUrl } = await world().api.createSession({ organization_id: 'once', provider: 'quickbooks' });
    await page().goto(connectUrl);
    await page().getByRole('button', { name: 'Continue to QuickBooks Online' }).click();
    await page().getByRole('button', { name: 'Deny' }).click();
    const answer = await page()
      .context()
      .request.get(connectUrl, { headers: { accept: 'text/html' } });
    expect(answer.status()).toBe(400);
    await page().setContent(await answer.text());
    expect(await page().getByRole('main').innerText()).toMatch(
      /^This did not work\s+This connect link is unknown or has expired\.\s+Ask the application for a new link\.\s+session_invalid · /,
    );
  });
}

/** On the start page: types the organisation and clicks the provider's button. */
async function startFrom(page: Page, world: World, organizationId: string, system: string): Promise<void> {
  await page.goto(world.platform.origin);
  await page.getByLabel('Organisation id in your application').fill(organizationId);
  await page.getByRole('button', { name: `Connect to ${system}` }).click();
}

/** Tells whether the page's own policy lets its style apply. */
async function fontSizeOf(page: Page, selector: string): Promise<unknown> {
  return await page.evaluate(`getComputedStyle(document.querySelector('${selector}')).fontSize`);
}
