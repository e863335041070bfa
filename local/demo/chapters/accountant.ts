import type { Story } from '../story.ts';
import { allowXero, connect, type World, whereOf, XERO_ORGANISATIONS } from '../world.ts';

/** One Xero user keeps the books of two organisations, which share his authorisation. */
export async function accountant(world: World, story: Story): Promise<void> {
  story.chapter('an accountant connects two organisations to Xero');
  const { tokens, providers } = world;
  const { acme, birch, cedar } = XERO_ORGANISATIONS;
  const done = '/settings/integrations?connected=true&system=xero';

  const first = await connect(world, {
    organizationId: 'birch',
    provider: 'xero',
    consent: allowXero('accountant', [acme, birch, cedar]),
  });
  story.equal(
    'he allows three companies: our page asks which one',
    first.page.url.pathname,
    '/api/v1/oauth/xero/choose',
  );
  const offered = [...first.page.html.matchAll(/name="tenant_id" value="([^"]+)"/g)].map(([, id = '']) => id);
  story.equal(
    'all three are offered, none is chosen beforehand',
    [offered.toSorted(), first.page.html.includes('checked')],
    [[acme, birch, cedar], false],
  );
  const chosen = await first.browser.submit(first.page, [['tenant_id', birch]]);
  story.equal('he chooses Birch Bakery', whereOf(chosen), done);

  const second = await connect(world, {
    organizationId: 'cedar',
    provider: 'xero',
    consent: allowXero('accountant', [cedar]),
  });
  story.equal('for the second organisation he allows one company', whereOf(second.page), done);
  for (const [organizationId, tenantId, name] of [
    ['birch', birch, 'Birch Bakery'],
    ['cedar', cedar, 'Cedar Cycles'],
  ] as const) {
    const { accessToken } = await tokens.need({ organizationId, provider: 'xero' });
    const company = await providers.xero.company(accessToken, tenantId);
    story.equal(`${organizationId} gets a token that opens ${name}`, company, { status: 200, name });
  }
}
