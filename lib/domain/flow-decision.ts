import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import { COMPLETION_MS, RESULT_SECONDS, SESSION_MS, STATE_MS } from './connect-session.ts';
import type { ErrorCode } from './errors.ts';
import type { Flow, FlowStage } from './flow.ts';
import type { Instant } from './grant.ts';
import { absent, appendAudit, equals, type Transaction, type WriteOn } from './write.ts';

/**
 * The steps of a connect flow. Each is conditional on the stage it leaves, so of several that try the same step exactly one
 * succeeds. `id` becomes the transaction's token and must be new for each try: two callbacks with the same token would be
 * one request to DynamoDB, and both would believe they had won.
 */

export type FlowStart = Pick<Flow, 'organizationId' | 'provider' | 'pinnedVersion' | 'redirectUri'> &
  Partial<Pick<Flow, 'sessionHash' | 'userId' | 'expectedTenantId' | 'returnUrl'>> & {
    /** ULID of the new flow. */
    readonly flowId: string;
    readonly now: Instant;
    /** The API key that asked. */
    readonly actor?: string;
  };

/** A new flow in stage `session`, and the write that stores it. */
export function decideStart(start: FlowStart): { readonly flow: Flow; readonly transaction: Transaction } {
  const { flowId, now, actor, ...fields } = start;
  const flow: Flow = {
    v: 1,
    pk: flowId,
    stage: 'session',
    ...fields,
    createdAt: now,
    expiresAt: now + SESSION_MS + STATE_MS,
    ttl: Math.floor(now / 1000) + RESULT_SECONDS,
  };
  const row = flowRow(flow, { event: 'flow.started', now, ...(actor === undefined ? {} : { actor }) });
  return {
    flow,
    transaction: {
      token: flowId,
      writes: [{ table: 'flows', key: { pk: flowId }, when: [absent('pk')], op: 'put', item: flow }, appendAudit(row)],
    },
  };
}

/** session → authorizing: the callback of the browser with this cookie spends the session. */
export function decideSpend(
  flow: Flow,
  spend: { readonly id: string; readonly cookieHash: string; readonly now: Instant },
): Transaction {
  const set = { stage: 'authorizing', cookieHash: spend.cookieHash, expiresAt: spend.now + COMPLETION_MS } as const;
  return { token: spend.id, writes: [moveFlow(flow, 'session', set)] };
}

/** A step forward from the stage as read, with what was found out on the way. */
export function decideAdvance(
  flow: Flow,
  step: { readonly id: string; readonly stage: FlowStage } & Pick<Partial<Flow>, 'grant' | 'tenants'>,
): Transaction {
  const { id, ...set } = step;
  return { token: id, writes: [moveFlow(flow, flow.stage, set)] };
}

/** The flow ends here. `cookieHash` lets the browser of the callback see the result again. */
export function decideFail(
  flow: Flow,
  failure: { readonly id: string; readonly code: ErrorCode; readonly now: Instant; readonly cookieHash?: string },
): Transaction {
  const { id, code, now, cookieHash } = failure;
  const set = { stage: 'failed', error: code, ...(cookieHash === undefined ? {} : { cookieHash }) } as const;
  return {
    token: id,
    writes: [moveFlow(flow, flow.stage, set), appendAudit(flowRow(flow, { event: 'flow.failed', now, reason: code }))],
  };
}

/** The leg that moves a flow on from the stage it was read in. */
export function moveFlow(flow: Flow, from: FlowStage, set: Partial<Flow>): WriteOn<'flows'> {
  return { table: 'flows', key: { pk: flow.pk }, when: [equals(['stage'], from)], op: 'update', set };
}

/** An audit row of the flow's organisation. */
export function flowRow(
  flow: Flow,
  told: { readonly event: AuditEvent; readonly now: Instant; readonly reason?: string; readonly actor?: string },
): AuditRow {
  const { event, now, ...rest } = told;
  return auditRow({
    pk: `ORG#${flow.organizationId}`,
    id: flow.pk,
    event,
    provider: flow.provider,
    at: now,
    startedAt: flow.createdAt,
    organizationId: flow.organizationId,
    ...(flow.userId === undefined ? {} : { actor: flow.userId }),
    ...rest,
  });
}
