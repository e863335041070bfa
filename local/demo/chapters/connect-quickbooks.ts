import type { Story } from '../story.ts';
import { allowQuickBooks, connect, DENIED, newBrowser, REALMS, type World, whereOf } from '../world.ts';

/** A user connects a company, changes her mind, and a stranger tries her callback. */
export async function connectQuickBooks(world: World, story: Story): Promise<void> {
  story.chapter('acme connects to QuickBooks');
  const { api, providers } = world;
  const before = await api.status('acme', 'quickbooks');
  story.equal('before that, acme is not connected', before.body.connected, false);

  const refused = await connect(world, { organizationId: 'acme', provider: 'quickbooks', consent: DENIED });
  const said = '/settings/integrations?connected=false&system=quickbooks&error=access_denied';
  story.equal('the user says no at QuickBooks and is told so', whereOf(refused.page), said);

  const consent = allowQuickBooks(REALMS.acme);
  const { sessionId, browser, consentPage, page } = await connect(world, {
    organizationId: 'acme',
    provider: 'quickbooks',
    consent,
  });
  story.equal('the connect link leads to the consent page', consentPage.status, 200);
  const connected = '/settings/integrations?connected=true&system=quickbooks';
  story.equal('the user allows it and comes back connected', whereOf(page), connected);
  const session = await api.session(sessionId);
  story.equal(
    'the partner’s backend sees how the flow ended',
    [session.body.stage, session.body.company],
    ['linked', { tenant_id: REALMS.acme, name: 'Acme Books' }],
  );

  const callback = browser.trail.find((address) => address.includes('/callback?')) ?? '';
  story.equal(
    'a second click on the callback leads to the same result',
    whereOf(await browser.open(callback)),
    connected,
  );
  const stranger = await newBrowser(world).open(callback);
  story.equal('the same address in another browser is refused', stranger.status, 400);
  const exchanges = (await providers.quickbooks.ledger()).filter(({ grantType }) => grantType === 'authorization_code');
  story.equal('QuickBooks saw the code once', exchanges.length, 1);

  const { status, body } = await api.status('acme', 'quickbooks');
  const { expires_at: expiresAt, reconnect_by: reconnectBy, ...rest } = body;
  story.equal(
    'the status route tells the company and its health',
    [status, rest],
    [
      200,
      {
        connected: true,
        accounting_system: 'quickbooks',
        realm_id: REALMS.acme,
        company_name: 'Acme Books',
        is_expired: false,
        health: 'healthy',
        needs_reauth: false,
      },
    ],
  );
  story.say(`access token until ${String(expiresAt)}, authorisation until ${String(reconnectBy)}`);
}
