import type { Story } from '../story.ts';
import type { TokenServed } from '../token-client.ts';
import { allowQuickBooks, connect, REALMS, type World, whereOf } from '../world.ts';

const QUESTION = { organizationId: 'acme', provider: 'quickbooks' } as const;
const OTHER_QUESTION = { organizationId: 'cedar', provider: 'quickbooks' } as const;

/** Far within the two hours after which nobody has to vouch for the provider. */
const UNVOUCHED_MINUTES = 20;

/** cedar was connected a moment before acme was lost, so the schedule refreshes it within these and the ones above. */
const VOUCHED_MINUTES = 25;

/** The user ends the connection at QuickBooks; we come to believe it, and he connects again. */
export async function revokedByUser(world: World, story: Story): Promise<void> {
  story.chapter('the user disconnects the app at QuickBooks');
  await connectAnother(world, story);
  const lost = await revoke(world, story);
  await doubt(world, story);
  await giveUp(world, story, lost);
  story.chapter('the user connects again');
  await reconnect(world, story);
}

async function connectAnother(world: World, story: Story): Promise<void> {
  const flow = { organizationId: 'cedar', provider: 'quickbooks', consent: allowQuickBooks(REALMS.cedar) } as const;
  const { page } = await connect(world, flow);
  story.equal(
    'cedar is connected too, and is used',
    [whereOf(page), (await world.tokens.get(OTHER_QUESTION)).status],
    ['/settings/integrations?connected=true&system=quickbooks', 'ok'],
  );
}

/** The token that was lost. */
async function revoke({ api, tokens, providers }: World, story: Story): Promise<TokenServed> {
  const lost = await tokens.need(QUESTION);
  const { accessToken, tokenVersion } = lost;
  await providers.quickbooks.revoke(REALMS.acme);
  const { status } = await providers.quickbooks.company(accessToken, REALMS.acme);
  story.equal('QuickBooks answers 401 to the token', status, 401);
  const answer = await tokens.get({ ...QUESTION, rejected: { tokenVersion, reason: 'token' } });
  const told = answer.status === 'error' ? [answer.code, answer.retryAfterSeconds] : answer.status;
  story.equal('the caller reports it and is refused cleanly', told, ['refresh_rejected', 60]);
  story.equal('status says what is the matter', await healthOf(api), [true, 'suspect', false]);
  return lost;
}

/** A provider that answers invalid_grant to everybody would look the same. */
async function doubt({ api, platform, providers }: World, story: Story): Promise<void> {
  const before = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  await platform.advance(UNVOUCHED_MINUTES * 60);
  const tries = (await providers.quickbooks.refreshes(REALMS.acme)).slice(before);
  story.holds(
    `${UNVOUCHED_MINUTES} minutes later it was tried ${tries.length} times more`,
    tries.length >= 3 && tries.length <= 8 && tries.every(({ outcome }) => outcome === 'invalid_grant'),
    { expected: '3 to 8 tries, all refused', seen: tries.map(({ outcome }) => outcome) },
  );
  story.equal('nobody else was refreshed at QuickBooks since, so nobody is given up', await healthOf(api), [
    true,
    'suspect',
    false,
  ]);
}

async function giveUp({ api, platform, tokens, providers }: World, story: Story, lost: TokenServed): Promise<void> {
  const before = (await providers.quickbooks.refreshes(REALMS.cedar)).length;
  await platform.advance(VOUCHED_MINUTES * 60);
  const refreshes = (await providers.quickbooks.refreshes(REALMS.cedar)).slice(before);
  story.equal(
    'cedar is refreshed: QuickBooks is well',
    refreshes.map(({ outcome }) => outcome),
    ['ok'],
  );
  story.equal('so acme’s authorisation is over, and status says so', await healthOf(api), [true, 'needs_reauth', true]);
  // The old token would still be served to who does not know better: its hour is not over.
  const answer = await tokens.get({ ...QUESTION, rejected: { tokenVersion: lost.tokenVersion, reason: 'token' } });
  story.equal(
    'get-token tells that only the user can mend it',
    answer.status === 'error' && [answer.code, answer.reconnectRequired],
    ['needs_reauth', true],
  );
}

async function healthOf(api: World['api']): Promise<readonly unknown[]> {
  const { body } = await api.status('acme', 'quickbooks');
  return [body.connected, body.health, body.needs_reauth];
}

async function reconnect(world: World, story: Story): Promise<void> {
  const { api, tokens, providers } = world;
  const flow = { organizationId: 'acme', provider: 'quickbooks' } as const;
  const exchanges = async () =>
    (await providers.quickbooks.ledger()).filter(({ grantType }) => grantType !== 'refresh_token').length;
  const exchangesBefore = await exchanges();
  const other = await connect(world, { ...flow, consent: allowQuickBooks(REALMS.birch) });
  const mismatch = '/settings/integrations?connected=false&system=quickbooks&error=company_mismatch';
  story.equal('with another company: refused', whereOf(other.page), mismatch);
  story.equal('QuickBooks was asked for nothing', (await exchanges()) - exchangesBefore, 0);

  const same = await connect(world, { ...flow, consent: allowQuickBooks(REALMS.acme) });
  story.equal(
    'with the same company: connected in place',
    whereOf(same.page),
    '/settings/integrations?connected=true&system=quickbooks',
  );
  const { body } = await api.status('acme', 'quickbooks');
  story.equal('acme is healthy again', [body.connected, body.health, body.realm_id], [true, 'healthy', REALMS.acme]);
  const { accessToken } = await tokens.need(QUESTION);
  const company = await providers.quickbooks.company(accessToken, REALMS.acme);
  story.equal('and its token opens CompanyInfo', company, { status: 200, name: 'Acme Books' });

  const taken = await connect(world, { ...flow, organizationId: 'bolt', consent: allowQuickBooks(REALMS.acme) });
  const told = '/settings/integrations?connected=false&system=quickbooks&error=company_taken';
  story.equal('another organisation cannot take acme’s company', whereOf(taken.page), told);
}
