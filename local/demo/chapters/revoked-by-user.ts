import type { Story } from '../story.ts';
import { allowQuickBooks, connect, REALMS, type World, whereOf } from '../world.ts';

const QUESTION = { organizationId: 'acme', provider: 'quickbooks' } as const;

/** The user ends the connection at QuickBooks, and connects again. */
export async function revokedByUser(world: World, story: Story): Promise<void> {
  story.chapter('the user disconnects the app at QuickBooks');
  await revoke(world, story);
  await retryForAnHour(world, story);
  story.chapter('the user connects again');
  await reconnect(world, story);
}

async function revoke({ api, tokens, providers }: World, story: Story): Promise<void> {
  const { accessToken, tokenVersion } = await tokens.need(QUESTION);
  await providers.quickbooks.revoke(REALMS.acme);
  const { status } = await providers.quickbooks.company(accessToken, REALMS.acme);
  story.equal('QuickBooks answers 401 to the token', status, 401);
  const answer = await tokens.get({ ...QUESTION, rejected: { tokenVersion, reason: 'token' } });
  const told = answer.status === 'error' ? [answer.code, answer.retryAfterSeconds] : answer.status;
  story.equal('the caller reports it and is refused cleanly', told, ['refresh_rejected', 60]);
  const { body } = await api.status('acme', 'quickbooks');
  story.equal(
    'status says what is the matter',
    [body.connected, body.health, body.needs_reauth],
    [true, 'suspect', false],
  );
}

async function retryForAnHour({ platform, tokens, providers }: World, story: Story): Promise<void> {
  const before = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  await platform.advance(3_600);
  const tries = (await providers.quickbooks.refreshes(REALMS.acme)).slice(before);
  const gapsMinutes = tries.slice(1).map(({ at }, index) => Math.round((at - (tries[index]?.at ?? 0)) / 60_000));
  const isGrowing = gapsMinutes.every((gap, index) => gap >= Math.min(5, gapsMinutes[index - 1] ?? 0));
  story.holds(
    `an hour later it was tried ${tries.length} times more, at intervals growing to five minutes`,
    tries.length >= 5 && tries.length <= 20 && isGrowing,
    { expected: '5 to 20 tries, never sooner than before', seen: gapsMinutes },
  );
  const answer = await tokens.get(QUESTION);
  story.equal('still no token, and still no crash', answer.status === 'error' && answer.code, 'refresh_rejected');
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
