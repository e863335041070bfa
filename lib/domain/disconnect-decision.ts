import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import { type Claim, type Connection, claimKey } from './connection.ts';
import { type DetachDuty, duePartition, type Grant, type GrantFields, type Instant, isLiving } from './grant.ts';
import { after, updateGrant, without } from './grant-conditions.ts';
import { leaveGrant } from './link-decision.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { unchanged } from './unchanged.ts';
import { appendAudit, equals, oneOf, type Transaction, type Write } from './write.ts';

/**
 * Writes 13 and 14 of protocol.md: one transaction closes the connection, frees the claim and notes on the grant what is owed
 * to the provider. From that moment nothing is served; a refresher performs the duty.
 */

export interface DisconnectFacts {
  /** Connected or tenant_lost. */
  readonly connection: Connection;
  readonly claim?: Claim | undefined;
  readonly grant?: Grant | undefined;
  /** What the provider is owed: the end of the whole grant, or of this company's part in it. */
  readonly kind: 'revoke' | 'detach';
}

export interface DisconnectOptions {
  /** Token of the transaction; new for each decision. */
  readonly id: string;
  /** ULID; a grant that closes gets it. */
  readonly generation: string;
  readonly now: Instant;
  readonly policy: DuePolicy;
  /** The API key that asked. */
  readonly actor?: string;
}

/** The transaction that disconnects. Decide again on new images whenever a condition fails. */
export function decideDisconnect(facts: DisconnectFacts, options: DisconnectOptions): Transaction {
  const { connection, claim, grant } = facts;
  return {
    token: options.id,
    writes: [
      connectionLeg(connection, options.now),
      ...(claim !== undefined && claim.linkId === connection.linkId ? [claimLeg(claim, connection)] : []),
      ...(grant !== undefined && isLiving(grant) ? grantLegs(grant, facts, options) : []),
      appendAudit(disconnectedRow(connection, options)),
    ],
  };
}

function connectionLeg(connection: Connection, now: Instant): Write {
  return {
    table: 'connections',
    key: { pk: connection.pk, sk: connection.sk },
    when: [
      equals(['linkId'], connection.linkId),
      equals(['version'], connection.version),
      oneOf(['status'], ['connected', 'tenant_lost']),
    ],
    op: 'update',
    set: { status: 'disconnected', version: connection.version + 1, disconnectedAt: now },
  };
}

function claimLeg(claim: Claim, connection: Connection): Write {
  return {
    table: 'connections',
    key: claimKey(connection.provider, connection.tenantId),
    when: [equals(['linkId'], claim.linkId)],
    op: 'delete',
  };
}

function grantLegs(grant: Grant, { connection, kind }: DisconnectFacts, options: DisconnectOptions): Write[] {
  if (kind === 'revoke') return [closeLeg(grant, options), appendAudit(closingRow(grant, connection, options))];
  const { now, policy } = options;
  const id = connection.providerConnectionId;
  const duty: Record<string, DetachDuty> =
    id === undefined ? {} : { [id]: { tenantId: connection.tenantId, since: now } };
  return [leaveGrant(grant, { member: connection.organizationId, duty, policy, now })];
}

const ENDED = [
  'orgs',
  'access',
  'notBefore',
  'unservedSince',
  'tenantCheckAt',
  'reauth',
  'unansweredSince',
  'warned',
] as const;

/** Waits and counts belong to the authorisation that ends here: the revocation starts afresh. */
function closeLeg(grant: Grant, { generation, now, policy }: DisconnectOptions): Write {
  const set = { status: 'closing', generation } as const satisfies Partial<GrantFields>;
  const closing = without(after(grant, set), ENDED);
  return updateGrant(grant, unchanged(grant), {
    set: { ...set, dueAt: nextDue(closing, policy, now) ?? now, duePartition: duePartition(closing) },
    remove: ENDED,
  });
}

function disconnectedRow(connection: Connection, { now, actor }: DisconnectOptions): AuditRow {
  return auditRow({
    ...rowOf('connection.disconnected', connection, now),
    pk: `ORG#${connection.organizationId}`,
    id: connection.linkId,
    ...(actor === undefined ? {} : { actor }),
  });
}

function closingRow(grant: Grant, connection: Connection, { generation, now }: DisconnectOptions): AuditRow {
  return auditRow({
    ...rowOf('grant.closing', connection, now),
    pk: `GRANT#${grant.pk}`,
    id: generation,
    reason: 'disconnected',
  });
}

function rowOf(event: AuditEvent, connection: Connection, now: Instant) {
  const { provider, organizationId } = connection;
  return { event, provider, organizationId, at: now, startedAt: now };
}
