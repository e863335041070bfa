import type { Connection } from '../domain/connection.ts';
import { isLiving, type LivingGrant } from '../domain/grant.ts';
import { decideTenantSeen, decideTenantsChecked } from '../domain/upkeep-decision.ts';
import type { RefreshPorts } from './lease.ts';
import { persist } from './persist.ts';

/** Looks up at the provider whether a grant still opens the companies it serves (write 20). */

const CHECK_MS = 5_000;

/**
 * Marks connections whose company is confirmed gone, and those that are back. Only a complete listing counts; anything
 * else leaves every connection as it is.
 */
export async function checkTenants(ports: RefreshPorts, grant: LivingGrant): Promise<'checked' | 'unknown'> {
  const { provider } = grant;
  const accessToken = await ports.cipher.open(grant.access, { provider, grant: grant.pk, purpose: 'access' });
  const connections = await connectionsOf(ports, grant);
  for (const connection of connections) {
    const listing = await ports.tenants.list({
      provider,
      environment: grant.environment,
      accessToken,
      tenantId: connection.tenantId,
    });
    if (listing.kind !== 'listed') return postpone(ports, grant);
    const listed = listing.tenants.some(({ tenantId }) => tenantId === connection.tenantId);
    const transaction = decideTenantSeen(connection, listed, ports.clock.now());
    if (transaction !== undefined) await persist(ports, transaction, ports.clock.now() + CHECK_MS);
  }
  await note(ports, grant);
  return 'checked';
}

/** The next keep-alive asks again; an API that does not answer must not make the grant due every minute. */
async function postpone(ports: RefreshPorts, grant: LivingGrant): Promise<'unknown'> {
  await note(ports, grant);
  return 'unknown';
}

async function note(ports: RefreshPorts, grant: LivingGrant): Promise<void> {
  const fresh = await ports.store.readGrant(grant.pk);
  if (fresh === undefined || !isLiving(fresh)) return;
  const transaction = decideTenantsChecked(fresh, ports.policies(grant.provider), ports.clock.now());
  if (transaction !== undefined) await persist(ports, transaction, ports.clock.now() + CHECK_MS);
}

async function connectionsOf(ports: RefreshPorts, grant: LivingGrant): Promise<Connection[]> {
  const organizations = [...(grant.orgs ?? [])];
  const found = await Promise.all(organizations.map((id) => ports.store.readConnection(id, grant.provider)));
  return found.filter(
    (connection) => connection?.grant === grant.pk && connection.status !== 'disconnected',
  ) as Connection[];
}
