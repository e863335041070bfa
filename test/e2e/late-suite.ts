import { describe, expect, test } from 'vitest';
import { allowQuickBooks, issueApiKey, newBrowser, type World } from '../../local/demo/world.ts';
import { openFlow, tokenRequests } from './fixture.ts';

/** What runs out. Moves the clock by more than a day. */
export function describeLate(world: () => World): void {
  describe('who comes too late', () => {
    test('ten minutes at the provider are the end of a state, and the provider hears nothing', async () => {
      const { browser, consentPage } = await openFlow(world(), { organization_id: 'late', provider: 'quickbooks' });
      await world().platform.advance(601);
      const callback = await browser.submitOnce(consentPage, allowQuickBooks('9341453000000202'));
      const before = await tokenRequests(world(), 'quickbooks');
      const page = await browser.visit(callback);
      expect([page.status, page.html.includes('invalid_state')]).toEqual([400, true]);
      expect(await tokenRequests(world(), 'quickbooks')).toBe(before);
    });

    test('fifteen minutes are the end of a link, and the partner’s backend sees it', async () => {
      const { api, platform } = world();
      const { connectUrl, sessionId } = await api.createSession({ organization_id: 'late', provider: 'quickbooks' });
      await platform.advance(901);
      const page = await newBrowser(world()).open(connectUrl);
      expect([page.status, page.html.includes('session_invalid')]).toEqual([400, true]);
      await platform.advance(600);
      const { body } = await api.session(sessionId);
      expect([body.stage, body.error]).toEqual(['failed', 'flow_expired']);
    });

    test('an expired key is no key', async () => {
      const { api, platform } = world();
      const key = await issueApiKey(world(), { scopes: ['connections:read'], organizations: '*', expiresInDays: 1 });
      const path = '/v1/oauth/xero/status/nobody';
      expect((await api.send(path, { key })).status).toBe(200);
      await platform.advance(86_500);
      expect((await api.send(path, { key })).status).toBe(401);
    }, 60_000);
  });
}
