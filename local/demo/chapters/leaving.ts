import type { Story } from '../story.ts';
import { REALMS, type World, XERO_ORGANISATIONS } from '../world.ts';

/** Organisations leave: one of two that share an authorisation, and one that is alone. */
export async function leaving(world: World, story: Story): Promise<void> {
  story.chapter('one of the accountant’s organisations disconnects');
  await leaveSharedGrant(world, story);
  story.chapter('acme disconnects from QuickBooks');
  await leaveQuickBooks(world, story);
}

async function leaveSharedGrant({ api, tokens, providers }: World, story: Story): Promise<void> {
  const { birch, cedar } = XERO_ORGANISATIONS;
  const { status, body } = await api.disconnect('cedar', 'xero');
  story.equal('cedar disconnects', [status, body.success], [200, true]);
  const refused = await tokens.get({ organizationId: 'cedar', provider: 'xero' });
  story.equal('from that moment cedar gets no token', refused.status === 'error' && refused.code, 'not_connected');
  await story.eventually('Xero is told to remove this one company', () => providers.xero.ledger(), {
    until: (ledger) =>
      ledger.some(
        ({ endpoint, tenantId, status: told }) => endpoint === 'connections' && tenantId === cedar && told === 204,
      ),
    expected: `DELETE of the connection to ${cedar} answered 204`,
  });
  const revokes = (await providers.xero.ledger()).filter(({ endpoint }) => endpoint === 'revoke');
  story.equal('the accountant’s authorisation is not revoked', revokes.length, 0);
  const { accessToken } = await tokens.need({ organizationId: 'birch', provider: 'xero' });
  story.equal('birch still gets tokens', await providers.xero.company(accessToken, birch), {
    status: 200,
    name: 'Birch Bakery',
  });
  story.equal('which do not open cedar’s company any more', await providers.xero.company(accessToken, cedar), {
    status: 403,
  });
}

async function leaveQuickBooks({ api, tokens, providers }: World, story: Story): Promise<void> {
  const { accessToken } = await tokens.need({ organizationId: 'acme', provider: 'quickbooks' });
  const { status, body } = await api.disconnect('acme', 'quickbooks');
  story.equal('acme disconnects', [status, body.success], [200, true]);
  const refused = await tokens.get({ organizationId: 'acme', provider: 'quickbooks' });
  const told = refused.status === 'error' ? [refused.code, refused.reconnectRequired] : refused.status;
  story.equal('from that moment nothing is served', told, ['not_connected', true]);
  await story.eventually('QuickBooks’ ledger shows the revocation', () => providers.quickbooks.ledger(), {
    until: (ledger) =>
      ledger.some(
        ({ endpoint, tenantId, committed }) => endpoint === 'revoke' && tenantId === REALMS.acme && committed,
      ),
    expected: `a committed revoke for ${REALMS.acme}`,
  });
  story.equal('the token handed out before is dead', await providers.quickbooks.company(accessToken, REALMS.acme), {
    status: 401,
  });
  const after = await api.status('acme', 'quickbooks');
  story.equal(
    'status says so',
    [after.body.connected, after.body.health, after.body.realm_id],
    [false, 'disconnected', null],
  );
}
