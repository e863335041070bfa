import { describe, expect, test } from 'vitest';
import { allowQuickBooks, newBrowser, whereOf } from '../../local/demo/world.ts';
import { openFlow, useWorld } from './fixture.ts';

const world = useWorld({ context: { connectBinding: 'interstitial', partnerName: 'Acme & Söhne <Demo>' } });

describe('the page before the provider’s', () => {
  test('names partner, organisation and who started it, and asks', async () => {
    const { consentPage: page } = await openFlow(world(), {
      organization_id: 'asked',
      provider: 'quickbooks',
      user_id: '<b>u-17</b>',
    });
    expect([page.status, page.url.origin]).toEqual([200, world().platform.origin]);
    expect(page.html).toContain('<h1>Connect QuickBooks Online to Acme &amp; Söhne &lt;Demo&gt;?</h1>');
    expect(page.html).toContain('<dd>asked</dd>');
    expect(page.html).toContain('<dt>Started by</dt><dd>&lt;b&gt;u-17&lt;/b&gt;</dd>');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
  });

  test('takes its answer only from the browser it was shown in', async () => {
    const { browser, consentPage: page } = await openFlow(world(), {
      organization_id: 'bound',
      provider: 'quickbooks',
    });
    const stranger = newBrowser(world());
    expect((await stranger.submit(page, [])).status).toBe(400);
    await stranger.open(page.url);
    const lured = await stranger.submit(page, []);
    expect([lured.status, lured.html.includes('invalid_state')]).toEqual([400, true]);
    expect((await browser.submit(page, [['proof', '']])).status).toBe(400);
    const consentPage = await browser.submit(page, []);
    expect(consentPage.url.origin).toBe(world().providers.quickbooks.origin);
    const done = await browser.submit(consentPage, allowQuickBooks('9341453000000201'));
    expect(whereOf(done)).toBe('/settings/integrations?connected=true&system=quickbooks');
  });
});
