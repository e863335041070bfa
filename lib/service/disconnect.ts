import type { Connection } from '../domain/connection.ts';
import { decideDisconnect } from '../domain/disconnect-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { PROVIDERS } from '../providers/index.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { LogOutcome, RequestRefresh, Store } from './ports.ts';

export interface DisconnectPorts extends PersistPorts {
  readonly store: Pick<Store, 'readConnection' | 'readClaim' | 'readGrant' | 'commit'>;
  readonly requestRefresh: RequestRefresh;
  readonly policies: Policies;
  readonly log: LogOutcome;
  /** A new ULID. */
  readonly newId: () => string;
}

export interface DisconnectRequest {
  readonly organizationId: string;
  readonly provider: ProviderId;
  /** Id of the API key. */
  readonly actor?: string;
  readonly correlationId?: string;
}

/** With the three seconds to start the duty, below the fifteen of its function; records that change under us for so long are not calm at all. */
const DISCONNECT_MS = 7_000;
const PAUSE_MS = 50;

/**
 * Ends the connection: from the moment it returns nothing is served. What is owed to the provider is done by a refresher,
 * which is started at once; should that fail, the schedule finds it. `already` when there is nothing to end any more.
 * Throws `not_connected` when the organisation never was, `unavailable` when it could not be written.
 */
export async function disconnect(ports: DisconnectPorts, request: DisconnectRequest): Promise<'done' | 'already'> {
  const deadlineAt = ports.clock.now() + DISCONNECT_MS;
  while (ports.clock.now() < deadlineAt) {
    const connection = await ports.store.readConnection(request.organizationId, request.provider);
    if (connection === undefined) throw new GrantkeeperError('not_connected');
    if (!isHeld(connection)) return 'already';
    if (await tryDisconnect(ports, request, connection, deadlineAt)) {
      await startDuty(ports, request, connection);
      return 'done';
    }
    await ports.clock.sleep(PAUSE_MS);
  }
  throw new GrantkeeperError('unavailable');
}

async function tryDisconnect(
  ports: DisconnectPorts,
  { provider, actor }: DisconnectRequest,
  connection: Connection,
  deadlineAt: Instant,
): Promise<boolean> {
  const [claim, grant] = await Promise.all([
    ports.store.readClaim(provider, connection.tenantId),
    ports.store.readGrant(connection.grant),
  ]);
  const { kind } = PROVIDERS[provider].disconnect;
  const transaction = decideDisconnect(
    { connection, claim, grant, kind },
    {
      id: ports.newId(),
      generation: ports.newId(),
      now: ports.clock.now(),
      policy: ports.policies(provider),
      ...(actor === undefined ? {} : { actor }),
    },
  );
  return (await persist(ports, transaction, deadlineAt)).committed;
}

async function startDuty(ports: DisconnectPorts, request: DisconnectRequest, connection: Connection): Promise<void> {
  const { organizationId, provider, correlationId } = request;
  const asked = { grant: connection.grant, trigger: 'duty' } as const;
  const told = { organizationId, provider, grant: connection.grant, linkId: connection.linkId };
  try {
    await ports.requestRefresh({ ...asked, ...(correlationId === undefined ? {} : { correlationId }) }, 'start');
    ports.log('info', 'disconnected', told);
  } catch {
    ports.log('warn', 'disconnected; the provider is told at the next sweep', told);
  }
}
