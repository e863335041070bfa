import { remainingMs } from '../domain/freshness.ts';
import { type Grant, type Instant, isLiving } from '../domain/grant.ts';
import { type Health, healthOf } from '../domain/health.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import type { Clock, Store } from './ports.ts';

export interface ReadStatusPorts {
  readonly store: Pick<Store, 'readConnection' | 'readGrant'>;
  readonly clock: Clock;
}

export interface ConnectionStatus {
  /** False also for a company that was lost: nothing can be had for it. */
  readonly connected: boolean;
  /** Of the company held, also while it is lost. */
  readonly company?: { readonly tenantId: string; readonly name?: string };
  /** Speaks of the access token only, which is renewed without the user. */
  readonly accessExpiresAt?: Instant;
  readonly isExpired?: boolean;
  readonly health: Health;
  /** Only the user can repair it: the authorisation is refused, or does not cover the company any more. */
  readonly needsReauth: boolean;
  /**
   * When the authorisation ends unless something happens: the earlier of its hard end, which only a reconnect moves, and its
   * idle end, which every refresh moves away (at least a month ahead while refreshes succeed).
   */
  readonly reconnectBy?: Instant;
}

/** How the organisation's connection to a system stands now; everything absent when there is none. */
export async function readStatus(
  { store, clock }: ReadStatusPorts,
  request: { readonly organizationId: string; readonly provider: ProviderId },
): Promise<ConnectionStatus> {
  const connection = await store.readConnection(request.organizationId, request.provider);
  const grant = isHeld(connection) ? await store.readGrant(connection.grant) : undefined;
  const now = clock.now();
  const health = healthOf(connection, grant, now);
  const needsReauth = health === 'needs_reauth' || health === 'tenant_lost';
  if (!isHeld(connection)) return { connected: false, health, needsReauth };
  const { tenantId, companyName } = connection;
  return {
    connected: connection.status === 'connected',
    company: { tenantId, ...(companyName === undefined ? {} : { name: companyName }) },
    ...tokenTimes(grant, now),
    health,
    needsReauth,
  };
}

function tokenTimes(
  grant: Grant | undefined,
  now: Instant,
): Pick<ConnectionStatus, 'accessExpiresAt' | 'isExpired' | 'reconnectBy'> {
  if (grant === undefined || !isLiving(grant)) return {};
  const ends = [grant.refreshExpiresAt, grant.hardExpiresAt].filter((end) => end !== undefined);
  return {
    accessExpiresAt: grant.access.expiresAt,
    isExpired: remainingMs(grant.access, now) <= 0,
    ...(ends.length === 0 ? {} : { reconnectBy: Math.min(...ends) }),
  };
}
