import { createHash } from 'node:crypto';
import type { ApiKey } from '../domain/api-key.ts';
import { type AuditRow, auditRow } from '../domain/audit.ts';
import type { Connection } from '../domain/connection.ts';
import { type Grant, type GrantKey, type Instant, isLeased, isLiving } from '../domain/grant.ts';
import { generationIs, numberIs, statusIs } from '../domain/grant-conditions.ts';
import type { ProviderId } from '../domain/names.ts';
import { absent, equals, present, type Transaction, transactionToken, type Write } from '../domain/write.ts';

/** What of an erasure is decided without asking anybody. */

/** Legs of one transaction; DynamoDB takes a hundred. */
const LEGS = 50;

/** A key as far as an erasure looks at it. */
export type KeyFacts = Pick<ApiKey, 'pk' | 'organizations' | 'revokedAt'>;

/**
 * What the provider is still owed for a connection that was ended: `detach` of its company, `revoke` of its grant, or `close`
 * of a grant that serves nobody any more (ten minutes later). Undefined when nothing is: then its records may go.
 */
export function owedFor(connection: Connection, grant: Grant | undefined): 'detach' | 'revoke' | 'close' | undefined {
  if (grant === undefined || grant.status === 'closed') return undefined;
  if (grant.status === 'closing') return 'revoke';
  const { providerConnectionId: id } = connection;
  if (id !== undefined && grant.detach[id] !== undefined) return 'detach';
  return isLiving(grant) && grant.orgs === undefined ? 'close' : undefined;
}

/** Whether no other organisation has anything to do with the grant, as connections (of all organisations) and its audit say. */
export function isOnlyOf(
  organizationId: string,
  known: { readonly connections: readonly Connection[]; readonly rows: readonly AuditRow[] },
): boolean {
  const others = [...known.connections, ...known.rows].map((record) => record.organizationId);
  return others.every((each) => each === undefined || each === organizationId);
}

/** A closed grant that nobody works on; undefined while somebody may still write it. */
export function decideForget(grant: Grant, now: Instant): Transaction | undefined {
  if (grant.status !== 'closed' || isLeased(grant, now)) return undefined;
  const { pk, generation, number } = grant;
  return {
    token: transactionToken('forget', pk, number, now),
    writes: [
      {
        table: 'grants',
        key: { pk },
        when: [statusIs('closed'), generationIs(generation), numberIs(number), absent('orgs')],
        op: 'delete',
      },
    ],
  };
}

/** An ended connection goes, unless the organisation has connected again meanwhile. */
export function decideForgetConnection({ pk, sk, version, linkId }: Connection, now: Instant): Transaction {
  const when = [equals(['status'], 'disconnected'), equals(['version'], version), equals(['linkId'], linkId)];
  return {
    token: transactionToken('forget', pk, sk, version, now),
    writes: [{ table: 'connections', key: { pk, sk }, when, op: 'delete' }],
  };
}

/** Writes that do not depend on each other, some at a time; one that was made already does no harm. */
export function inBatches(writes: readonly Write[], now: Instant): readonly Transaction[] {
  const batches: Transaction[] = [];
  for (let first = 0; first < writes.length; first += LEGS) {
    const legs = writes.slice(first, first + LEGS);
    const names = legs.flatMap(({ key }) => [key.pk, key.sk ?? '']);
    batches.push({ token: transactionToken('erase', ...names, now), writes: legs });
  }
  return batches;
}

/** An audit row goes. */
export function deleteRow({ pk, sk }: AuditRow): Write {
  return { table: 'audit', key: { pk, sk }, when: [], op: 'delete' };
}

/**
 * An audit row of an authorisation that others use too does not name the organisation any more. The row itself stays: that
 * tokens were issued must be known to whoever restores the table.
 */
export function unnameRow({ pk, sk }: AuditRow): Write {
  return { table: 'audit', key: { pk, sk }, when: [present('pk')], op: 'update', remove: ['organizationId'] };
}

/** The organisation leaves a key's list; a key that was for it alone ends. */
export function decideKey(key: KeyFacts, organizationId: string, now: Instant): Transaction {
  const rest = key.organizations === '*' ? [] : key.organizations.filter((each) => each !== organizationId);
  const isEnding = rest.length === 0 && key.revokedAt === undefined;
  return {
    token: transactionToken('erase-key', key.pk, now),
    writes: [
      {
        table: 'apiKeys',
        key: { pk: key.pk },
        when: [present('pk')],
        op: 'update',
        set: { organizations: rest, ...(isEnding ? { revokedAt: now } : {}) },
      },
    ],
  };
}

/** The one trace that is left: that an organisation was erased, under the SHA-256 of its id. */
export function erasedRow(organizationId: string, provider: ProviderId, now: Instant): AuditRow {
  const hash = createHash('sha256').update(organizationId).digest('hex');
  return auditRow({
    pk: `ORG#${hash}`,
    id: `${hash.slice(0, 16)}.${provider}`,
    event: 'organization.erased',
    provider,
    at: now,
    startedAt: now,
    actor: 'operator',
  });
}

/** Where a grant's audit lies. */
export function auditOf(grant: GrantKey): AuditRow['pk'] {
  return `GRANT#${grant}`;
}
