import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import type { Connection } from './connection.ts';
import {
  type DetachDuty,
  duePartition,
  type Grant,
  type GrantFields,
  type GrantKey,
  hasFailedRefresh,
  type Instant,
  isLeased,
  isLiving,
} from './grant.ts';
import { after, updateGrant } from './grant-conditions.ts';
import { isHeld } from './link-decision.ts';
import type { ProviderId } from './names.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { type ProviderState, providerKey } from './provider-state.ts';
import { unchanged } from './unchanged.ts';
import { absent, appendAudit, equals, type Transaction, transactionToken } from './write.ts';

/**
 * What a grant of a restored table becomes (protocol.md, "Restore from a point in time"). The table is older than the world:
 * the provider may have rotated since, users may have disconnected. The audit table was not restored and tells so. Numbers
 * jump, so that no version a caller has seen is given out again, and whatever was issued in between and still arrives is older
 * than the grant and held.
 */

/** One restore, as the operator names it. */
export interface Restore {
  /** Part of the key of each grant's audit row, which is why a second run changes nothing. */
  readonly id: string;
  /** After the refreshers were stopped and before anything was written. */
  readonly beganAt: Instant;
}

/** More attempts than a grant can have made between the restored instant and the disaster. */
const NUMBER_JUMP = 1_000_000;
/** Rows stand under the start of what they tell, which may be long before its end. */
const SINCE_SLACK_MS = 24 * 3600_000;

/** Events that say a provider issued tokens that became current. */
const ISSUED: ReadonlySet<AuditEvent> = new Set(['attempt.ok', 'grant.banked']);
/** Events that say a token may have been spent. */
const SENT: ReadonlySet<AuditEvent> = new Set([
  'attempt.unknown',
  'attempt.doubt',
  'attempt.late',
  'attempt.superseded',
]);
const LIFE: ReadonlySet<AuditEvent> = new Set(['grant.banked', 'grant.closing', 'grant.closed']);

/**
 * What the audit says of a restored grant. `current`: nothing has happened since. `behind`: its tokens may have been spent
 * since. `ended`: it was closed since. `reauthorized`: it was authorised again since, and those tokens are gone.
 */
export type Finding = 'current' | 'behind' | 'ended' | 'reauthorized';

/** From when on the grant's audit rows tell of what the restored image does not know. */
export function newsSince(grant: Grant, { beganAt }: Restore): Instant {
  const { access, attempt, lastRefreshedAt } = grant as GrantFields;
  const known = [beganAt, access?.obtainedAt, attempt?.startedAt, lastRefreshedAt];
  return Math.max(0, Math.min(...known.filter((at) => at !== undefined)) - SINCE_SLACK_MS);
}

/**
 * Why the grant is not to be written: `done` by this restore already, or `working`: an attempt is running or was made since
 * the restore began, so the refreshers have not been stopped.
 */
export function obstacleTo(
  restore: Restore,
  grant: Grant,
  rows: readonly AuditRow[],
  now: Instant,
): 'done' | 'working' | undefined {
  const { sk } = restoredRow(restore, grant, { number: 0, reason: '', now });
  if (rows.some((row) => row.sk === sk)) return 'done';
  const { attempt } = grant;
  if (attempt === undefined) return undefined;
  const isRunning = attempt.outcome === undefined && isLeased(grant, now);
  return isRunning || attempt.startedAt > restore.beganAt ? 'working' : undefined;
}

/** What has become of the grant since, as its audit rows from `newsSince` on tell. */
export function findingOn(grant: Grant, rows: readonly AuditRow[]): Finding {
  const knownAt = grant.lastRefreshedAt ?? 0;
  const last = rows.filter(({ event, at }) => LIFE.has(event) && at > knownAt).toSorted((a, b) => a.at - b.at);
  const turn = last.at(-1)?.event;
  if (!isLiving(grant)) return turn === 'grant.banked' ? 'reauthorized' : 'current';
  if (turn === 'grant.closing' || turn === 'grant.closed') return 'ended';
  const isNews = ({ event, at, number = 0 }: AuditRow) =>
    (ISSUED.has(event) && (number > grant.tokenVersion || at > knownAt)) || (SENT.has(event) && number > grant.number);
  return rows.some(isNews) ? 'behind' : 'current';
}

/** Whether this very link was ended later; `rows` are those of its organisation. */
export function wasDisconnected(connection: Connection, rows: readonly AuditRow[]): boolean {
  const { linkId, provider } = connection;
  return rows.some(
    ({ event, sk, ...row }) =>
      event === 'connection.disconnected' && row.provider === provider && sk.includes(`#${linkId}#`),
  );
}

export interface RestoreFacts {
  readonly grant: Grant;
  readonly rows: readonly AuditRow[];
  /** Of the organisations the grant serves, as far as there are any. */
  readonly connections: readonly Connection[];
}

/** The write that brings the grant up to date, and what was found. Decide again on new images when its condition fails. */
export function decideRestore(
  facts: RestoreFacts,
  restore: Restore,
  { now, policy }: { readonly now: Instant; readonly policy: DuePolicy },
): { readonly finding: Finding; readonly transaction: Transaction } {
  const { grant, rows } = facts;
  const finding = findingOn(grant, rows);
  const number = Math.max(grant.number, grant.tokenVersion, ...rows.map((row) => row.number ?? 0)) + NUMBER_JUMP;
  const { leaving, duties, ...revision } = revisionOf(facts, finding, restore, now);
  const set = { ...revision.set, number, tokenVersion: number };
  const stays = [...(grant.orgs ?? [])].filter((organization) => !leaving.includes(organization));
  const detach = { ...(set.detach ?? grant.detach), ...duties };
  const left = without(after(grant, { ...set, detach, orgs: new Set(stays) }), [
    ...revision.remove,
    ...(stays.length === 0 ? (['orgs'] as const) : []),
  ]);
  const write = updateGrant(grant, unchanged(grant), {
    set: { ...set, ...dueOf(left, { isUrgent: finding !== 'current', policy, now }) },
    remove: revision.remove,
    ...(Object.keys(duties).length === 0 ? {} : { setEntries: { detach: duties } }),
    ...(leaving.length === 0 ? {} : { removeMembers: { orgs: leaving } }),
  });
  const row = restoredRow(restore, grant, { number, reason: finding, now });
  const token = transactionToken('restore', restore.id, grant.pk, now, JSON.stringify(write.when));
  return { finding, transaction: { token, writes: [write, appendAudit(row)] } };
}

/**
 * The fleet starts slowly after a restore, and by what it sees then: what the table says of circuit, suspects and queues is as
 * old as the table. Whoever has written since decides anew.
 */
export function decideReopen(state: ProviderState | undefined, provider: ProviderId, now: Instant): Transaction {
  const pk = providerKey(provider);
  const version = state?.circuitVersion;
  return {
    token: transactionToken('reopen', provider, version ?? 0, now),
    writes: [
      {
        table: 'grants',
        key: { pk },
        when: [version === undefined ? absent('circuitVersion') : equals(['circuitVersion'], version)],
        op: 'put',
        item: { v: 1, pk, provider, circuitVersion: (version ?? 0) + 1, closedAt: now },
      },
    ],
  };
}

type Name = keyof GrantFields & string;

interface Revision {
  readonly set: Partial<GrantFields>;
  readonly remove: readonly Name[];
  /** Organisations it serves no more. */
  readonly leaving: readonly string[];
  readonly duties: Readonly<Record<string, DetachDuty>>;
}

function revisionOf(facts: RestoreFacts, finding: Finding, restore: Restore, now: Instant): Revision {
  const { grant } = facts;
  const forgotten = ['attempt', 'notBefore'] as const;
  if (!isLiving(grant)) return { set: {}, remove: forgotten, leaving: [], duties: {} };
  if (finding === 'ended') return closed(grant, restore, now);
  const { leaving, duties } = departures(facts, now);
  const isAlone = leaving.length > 0 && leaving.length === grant.orgs?.size;
  const set = { doubts: { ...grant.doubts, ...doubtOf(grant) }, ...(isAlone ? { unservedSince: now } : {}) };
  if (finding === 'current') return { set, remove: forgotten, leaving, duties };
  return {
    set: { ...set, status: 'suspect' },
    remove: [...forgotten, 'rejections', 'reauth', 'failure'],
    leaving,
    duties,
  };
}

/** As a disconnect leaves it; what it owed company by company was done before it was closed. */
function closed(grant: Grant, restore: Restore, now: Instant): Revision {
  return {
    set: { status: 'closing', generation: generationOf(grant.pk, restore, now), detach: {} },
    remove: [
      'attempt',
      'notBefore',
      'access',
      'orgs',
      'unservedSince',
      'tenantCheckAt',
      'rejections',
      'reauth',
      'failure',
    ],
    leaving: [],
    duties: {},
  };
}

/** Where the connections are newer than the grants: organisations that have disconnected since, or are served by another grant. */
function departures({ grant, connections }: RestoreFacts, now: Instant): Pick<Revision, 'leaving' | 'duties'> {
  const left = connections.filter((connection) => !isHeld(connection) || connection.grant !== grant.pk);
  const owed = left.flatMap(({ providerConnectionId, tenantId, ...connection }): [string, DetachDuty][] =>
    providerConnectionId === undefined || connection.grant !== grant.pk
      ? []
      : [[providerConnectionId, { tenantId, since: now }]],
  );
  return { leaving: left.map(({ organizationId }) => organizationId), duties: Object.fromEntries(owed) };
}

/** The attempt goes, because its number does; that its answer may be lost has to stay known. */
function doubtOf(grant: Grant): Record<string, Instant> {
  const { attempt } = grant;
  if (attempt === undefined || (attempt.outcome !== undefined && !hasFailedRefresh(grant))) return {};
  return { [attempt.number]: attempt.startedAt };
}

function dueOf(
  grant: GrantFields,
  { isUrgent, policy, now }: { readonly isUrgent: boolean; readonly policy: DuePolicy; readonly now: Instant },
): Pick<GrantFields, 'dueAt' | 'duePartition'> {
  const dueAt = nextDue(grant, policy, now);
  return dueAt === undefined ? {} : { dueAt: isUrgent ? now : dueAt, duePartition: duePartition(grant) };
}

function without(grant: GrantFields, names: readonly Name[]): GrantFields {
  return Object.fromEntries(
    Object.entries(grant).filter(([name]) => !names.some((each) => each === name)),
  ) as unknown as GrantFields;
}

/** A ULID of now, and the same one whenever the same restore closes the same grant. */
export function generationOf(grant: GrantKey, { id }: Restore, now: Instant): string {
  const bytes = createHash('sha256').update(`${id} ${grant}`).digest();
  let next = 0;
  return ulid(now, () => (bytes[next++ % bytes.length] ?? 0) / 256);
}

function restoredRow(
  { id, beganAt }: Restore,
  { pk, provider }: Grant,
  told: { readonly number: number; readonly reason: string; readonly now: Instant },
): AuditRow {
  const { number, reason, now } = told;
  const key = { pk: `GRANT#${pk}`, id, event: 'grant.restored' } as const;
  return auditRow({ ...key, provider, at: now, startedAt: beganAt, number, reason });
}
