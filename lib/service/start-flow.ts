import { GrantkeeperError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import { decideStart } from '../domain/flow-decision.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { routePath } from '../domain/routes.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Store } from './ports.ts';

/** A caller of the API waits for it. */
const WRITE_MS = 5_000;

export interface StartFlowPorts extends PersistPorts {
  readonly store: Pick<Store, 'readConnection' | 'commit'>;
  /** A new ULID. */
  readonly newId: () => string;
}

export interface FlowRequest {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly userId?: string;
  readonly tenantId?: string;
  readonly returnUrl?: string;
  readonly sessionHash?: string;
  /** Public URL of the API, what stands before `/v1`. */
  readonly origin: string;
  readonly actor?: string;
}

/**
 * Stores a new flow. For a connected organisation it is a reconnect, which must prove the same company: throws
 * `company_mismatch` when another one is asked for.
 */
export async function startFlow(ports: StartFlowPorts, request: FlowRequest): Promise<Flow> {
  const { tenantId, origin, ...fields } = request;
  const { organizationId, provider } = request;
  const connection = await ports.store.readConnection(organizationId, provider);
  const connected = isHeld(connection) ? connection.tenantId : undefined;
  if (connected !== undefined && tenantId !== undefined && tenantId !== connected) {
    throw new GrantkeeperError('company_mismatch', { field: 'tenant_id' });
  }
  const expected = connected ?? tenantId;
  const now = ports.clock.now();
  const { flow, transaction } = decideStart({
    ...fields,
    flowId: ports.newId(),
    ...(expected === undefined ? {} : { expectedTenantId: expected }),
    pinnedVersion: connection?.version ?? 0,
    redirectUri: `${origin}${routePath('callback', { provider })}`,
    now,
  });
  const verdict = await persist(ports, transaction, now + WRITE_MS);
  if (!verdict.committed) throw new GrantkeeperError('unavailable');
  return flow;
}
