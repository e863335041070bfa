import { isFlowId, SESSION_MS } from '../domain/connect-session.ts';
import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import type { Flow, FlowStage } from '../domain/flow.ts';
import type { Instant } from '../domain/grant.ts';
import { requireOrganization } from '../domain/key-access.ts';
import type { ProviderId } from '../domain/names.ts';
import { errorOf } from './flow-result.ts';
import type { Clock, Store } from './ports.ts';

export interface ReadConnectSessionPorts {
  readonly store: Pick<Store, 'readFlow'>;
  readonly clock: Clock;
}

export interface ConnectSessionStatus {
  readonly sessionId: string;
  readonly organizationId: string;
  readonly provider: ProviderId;
  /** `failed` also for a flow that ran out of time. */
  readonly stage: FlowStage;
  readonly error?: ErrorCode;
  readonly company?: NonNullable<Flow['company']>;
  /** Until when the link can be opened. */
  readonly expiresAt: Instant;
}

/** How a connect flow stands; readable for a day. Throws `not_found` for an unknown one and for another organisation's. */
export async function readConnectSession(
  { store, clock }: ReadConnectSessionPorts,
  request: {
    readonly sessionId: string;
    readonly key: { readonly organizations: '*' | readonly string[] } | undefined;
  },
): Promise<ConnectSessionStatus> {
  const flow = isFlowId(request.sessionId) ? await store.readFlow(request.sessionId) : undefined;
  const now = clock.now();
  if (flow === undefined || now >= flow.ttl * 1000) throw new GrantkeeperError('not_found');
  requireOrganization(request.key, flow.organizationId);
  const error = errorOf(flow, now);
  return {
    sessionId: flow.pk,
    organizationId: flow.organizationId,
    provider: flow.provider,
    stage: error === undefined ? flow.stage : 'failed',
    ...(error === undefined ? {} : { error }),
    ...(flow.company === undefined ? {} : { company: flow.company }),
    expiresAt: flow.createdAt + SESSION_MS,
  };
}
