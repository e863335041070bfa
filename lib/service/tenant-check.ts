import type { Connection } from '../domain/connection.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { isLiving, type LivingGrant } from '../domain/grant.ts';
import type { Secret } from '../domain/secret.ts';
import { decideTenantSeen, decideTenantsChecked } from '../domain/upkeep-decision.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { RefreshPorts } from './lease.ts';
import { persist } from './persist.ts';
import type { TenantListing } from './ports.ts';

/** Looks up at the provider whether a grant still opens the companies it serves (write 20). */

const CHECK_MS = 5_000;

/**
 * Marks connections whose company is confirmed gone, and those that are back. Only a complete listing counts; anything
 * else leaves every connection as it is.
 */
export async function checkTenants(ports: RefreshPorts, grant: LivingGrant): Promise<'checked' | 'unknown'> {
  const { provider, environment } = grant;
  const accessToken = await openAccess(ports, grant);
  if (accessToken === undefined) return postpone(ports, grant);
  let listing: TenantListing | undefined;
  for (const connection of await connectionsOf(ports, grant)) {
    const { tenantId } = connection;
    // Where the provider lists a user's companies one answer tells of all of them.
    if (listing === undefined || PROVIDERS[provider].tenants.kind === 'callback') {
      listing = await ports.tenants.list({ provider, environment, accessToken, tenantId });
    }
    if (listing.kind !== 'listed') return postpone(ports, grant);
    const listed = listing.tenants.some((tenant) => tenant.tenantId === tenantId);
    const transaction = decideTenantSeen(connection, listed, ports.clock.now());
    if (transaction !== undefined) await persist(ports, transaction, ports.clock.now() + CHECK_MS);
  }
  await note(ports, grant);
  return 'checked';
}

/** Undefined for a token that will never open; the grant is refreshed at its time all the same. */
async function openAccess(ports: RefreshPorts, grant: LivingGrant): Promise<Secret | undefined> {
  try {
    return await ports.cipher.open(grant.access, { provider: grant.provider, grant: grant.pk, purpose: 'access' });
  } catch (error) {
    if (error instanceof GrantkeeperError && error.code === 'token_undecryptable') return undefined;
    throw error;
  }
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
