import { type Claim, type Connection, claimKey, connectionKey } from './connection.ts';
import type { ErrorCode } from './errors.ts';
import type { Flow, Tenant } from './flow.ts';
import { flowRow, moveFlow } from './flow-decision.ts';
import {
  type DetachDuty,
  duePartition,
  type Grant,
  type GrantFields,
  type Instant,
  isLiving,
  type PartitionFacts,
} from './grant.ts';
import { after, updateGrant, without } from './grant-conditions.ts';
import { type DueFacts, type DuePolicy, FIRST_TENANT_CHECK_MS, nextDue } from './next-due.ts';
import { unchanged } from './unchanged.ts';
import { absent, appendAudit, type Condition, equals, type Transaction, type WriteOn } from './write.ts';

/**
 * Writes 11 and 12 of protocol.md: connection, claim, grants and flow in one transaction. A different grant than before
 * (another user of the accounting system authorised) takes the organisation over from the old one.
 */

export interface LinkFacts {
  /** In stage exchanged or choosing. */
  readonly flow: Flow;
  readonly tenant: Tenant;
  readonly connection?: Connection | undefined;
  readonly claim?: Claim | undefined;
  /** Where the flow's tokens are. */
  readonly grant: Grant | undefined;
  /** The grant the connection was served by, when it is another one. */
  readonly previous?: Grant | undefined;
}

export interface LinkOptions {
  /** Token of the transaction; new for each decision. */
  readonly id: string;
  /** ULID. */
  readonly linkId: string;
  readonly now: Instant;
  readonly policy: DuePolicy;
}

export type LinkDecision =
  | { readonly kind: 'link'; readonly transaction: Transaction }
  | { readonly kind: 'refused'; readonly code: ErrorCode };

/** The transaction that links, or why the flow may not. Decide again on new images whenever a condition fails. */
export function decideLink(facts: LinkFacts, options: LinkOptions): LinkDecision {
  const code = refusalOf(facts);
  if (code !== undefined) return { kind: 'refused', code };
  // The authorisation was closed or rejected before the company was chosen.
  if (facts.grant === undefined || !isServable(facts.grant)) return { kind: 'refused', code: 'exchange_failed' };
  const { flow, tenant, previous } = facts;
  const company = { tenantId: tenant.tenantId, ...(tenant.name === undefined ? {} : { name: tenant.name }) };
  return {
    kind: 'link',
    transaction: {
      token: options.id,
      writes: [
        connectionLeg(facts, facts.grant, options),
        claimLeg(facts, options),
        joinLeg(facts.grant, facts, options),
        ...(previous !== undefined && serves(previous, flow) ? [leaveLeg(previous, facts, options)] : []),
        moveFlow(flow, flow.stage, { stage: 'linked', company }),
        appendAudit(flowRow(flow, { event: 'connection.linked', now: options.now })),
      ],
    },
  };
}

/** Whether an organisation holds the company of this connection; `tenant_lost` still does, until it is disconnected. */
export function isHeld(connection: Connection | undefined): connection is Connection {
  return connection !== undefined && connection.status !== 'disconnected';
}

/** What would refuse a link to `tenantId` whatever the provider says: asked before the exchange, and again for the link. */
export function refusalOf(
  facts: Pick<LinkFacts, 'flow' | 'connection' | 'claim'> & { readonly tenant: Pick<Tenant, 'tenantId'> },
): ErrorCode | undefined {
  const { flow, connection, claim, tenant } = facts;
  if ((connection?.version ?? 0) !== flow.pinnedVersion) return 'connection_changed';
  if (flow.expectedTenantId !== undefined && flow.expectedTenantId !== tenant.tenantId) return 'company_mismatch';
  if (isHeld(connection) && connection.tenantId !== tenant.tenantId) return 'company_mismatch';
  if (claim !== undefined && claim.organizationId !== flow.organizationId) return 'company_taken';
  return undefined;
}

function isServable(grant: Grant): boolean {
  return grant.status === 'active' || grant.status === 'suspect';
}

function serves(grant: Grant, { organizationId }: Flow): boolean {
  return isLiving(grant) && grant.orgs?.has(organizationId) === true;
}

function connectionLeg(facts: LinkFacts, grant: Grant, { linkId, now }: LinkOptions): WriteOn<'connections'> {
  const { flow, tenant, connection } = facts;
  const key = connectionKey(flow.organizationId, flow.provider);
  const item: Connection = {
    v: 1,
    ...key,
    organizationId: flow.organizationId,
    provider: flow.provider,
    status: 'connected',
    version: flow.pinnedVersion + 1,
    linkId,
    grant: grant.pk,
    tenantId: tenant.tenantId,
    ...(tenant.providerConnectionId === undefined ? {} : { providerConnectionId: tenant.providerConnectionId }),
    ...(tenant.name === undefined ? {} : { companyName: tenant.name }),
    connectedAt: now,
    ...(flow.userId === undefined ? {} : { connectedBy: flow.userId }),
  };
  return {
    table: 'connections',
    key,
    when: connection === undefined ? [absent('pk')] : [equals(['version'], flow.pinnedVersion)],
    op: 'put',
    item,
  };
}

function claimLeg({ flow, tenant, claim }: LinkFacts, { linkId }: LinkOptions): WriteOn<'connections'> {
  const key = claimKey(flow.provider, tenant.tenantId);
  const when: Condition[] = claim === undefined ? [absent('pk')] : [equals(['linkId'], claim.linkId)];
  return {
    table: 'connections',
    key,
    when,
    op: 'put',
    item: { v: 1, ...key, organizationId: flow.organizationId, linkId },
  };
}

/** The grant serves the organisation from now on; a detach of this company that was still to be done is not wanted any more. */
function joinLeg(grant: Grant, { flow, tenant }: LinkFacts, { now, policy }: LinkOptions): WriteOn<'grants'> {
  const member = flow.organizationId;
  const cancelled = Object.entries(grant.detach)
    .filter(([, duty]) => duty.tenantId === tenant.tenantId)
    .map(([id]) => id);
  const set = { tenantCheckAt: now + FIRST_TENANT_CHECK_MS };
  const detach = Object.fromEntries(Object.entries(grant.detach).filter(([id]) => !cancelled.includes(id)));
  const { unservedSince: _, ...joined } = after(grant, {
    ...set,
    orgs: new Set([...(grant.orgs ?? []), member]),
    detach,
  });
  return updateGrant(grant, unchanged(grant), {
    set: { ...set, ...dueOf(joined, policy, now) },
    remove: ['unservedSince'],
    addMembers: { orgs: [member] },
    ...(cancelled.length === 0 ? {} : { removeEntries: { detach: cancelled } }),
  });
}

/**
 * The old grant loses the organisation. Its company is detached only when the new grant reaches it through another connection
 * at the provider; the same one must live on.
 */
function leaveLeg(previous: Grant, facts: LinkFacts, { now, policy }: LinkOptions): WriteOn<'grants'> {
  const { flow, tenant, connection } = facts;
  const old = connection?.providerConnectionId;
  const replaced =
    old !== undefined && tenant.providerConnectionId !== undefined && old !== tenant.providerConnectionId;
  const duty: Record<string, DetachDuty> = replaced ? { [old]: { tenantId: tenant.tenantId, since: now } } : {};
  return leaveGrant(previous, { member: flow.organizationId, duty, policy, now });
}

/** An update that takes one organisation off a living grant and notes what is owed for it. Nobody left: it closes after a while. */
export function leaveGrant(
  grant: Grant,
  leave: {
    readonly member: string;
    readonly duty: Readonly<Record<string, DetachDuty>>;
    readonly policy: DuePolicy;
    readonly now: Instant;
  },
): WriteOn<'grants'> {
  const { member, duty, policy, now } = leave;
  const others = new Set([...(grant.orgs ?? [])].filter((each) => each !== member));
  const set = others.size === 0 ? { unservedSince: now } : {};
  const owes = Object.keys(duty).length > 0;
  // A grant that was given up waits for its next probe; its access token may still do the duty, but not for so long.
  const forgotten = owes && grant.status === 'needs_reauth' ? (['notBefore'] as const) : [];
  const { orgs: _, ...rest } = without(after(grant, { ...set, detach: { ...grant.detach, ...duty } }), forgotten);
  const left = others.size === 0 ? rest : { ...rest, orgs: others };
  return updateGrant(grant, unchanged(grant), {
    set: { ...set, ...dueOf(left, policy, now) },
    ...(forgotten.length === 0 ? {} : { remove: forgotten }),
    ...(owes ? { setEntries: { detach: duty } } : {}),
    removeMembers: { orgs: [member] },
  });
}

function dueOf(
  grant: DueFacts & PartitionFacts,
  policy: DuePolicy,
  now: Instant,
): Pick<GrantFields, 'dueAt' | 'duePartition'> {
  const dueAt = nextDue(grant, policy, now);
  return dueAt === undefined ? {} : { dueAt, duePartition: duePartition(grant) };
}
