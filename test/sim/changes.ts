import type { AuditEvent, AuditRow } from '../../lib/domain/audit.ts';
import { type GrantFields, MAX_HELD } from '../../lib/domain/grant.ts';
import type { Transaction, Write } from '../../lib/domain/write.ts';

/** One committed transaction, as far as one grant is concerned. */
export interface GrantChange {
  readonly before: GrantFields | undefined;
  readonly after: GrantFields;
  readonly transaction: Transaction;
  /** Audit rows that were written with it. */
  readonly rows: readonly AuditRow[];
  /** The current token is the same one, sealed anew: the provider sent none. */
  readonly isResealed: boolean;
}

/** Keys of the grants a transaction writes to; the state of a provider is none. */
export function grantsIn({ writes }: Transaction): readonly GrantFields['pk'][] {
  return writes
    .filter(({ table, op, key }) => table === 'grants' && op !== 'check' && !key.pk.startsWith('PROVIDER#'))
    .map(({ key }) => key.pk as GrantFields['pk']);
}

/** Audit rows a transaction writes. */
export function rowsIn({ writes }: Transaction): readonly AuditRow[] {
  return writes.flatMap((write: Write) => (write.table === 'audit' && write.op === 'put' ? [write.item] : []));
}

/** Whether the record has something to lose: its tokens may still be used. */
export function isLivingRecord({ status }: Pick<GrantFields, 'status'>): boolean {
  return status === 'active' || status === 'suspect' || status === 'needs_reauth';
}

/** Whether an attempt of the grant is under way. */
export function isLeasedRecord({ attempt }: Pick<GrantFields, 'attempt'>): boolean {
  return attempt !== undefined && attempt.outcome === undefined;
}

/** One line for the trace. */
export function describe({ writes }: Transaction): string {
  return writes.map(describeLeg).join(' ');
}

function describeLeg(write: Write): string {
  if (write.table === 'audit') return write.op === 'put' ? `[${write.item.event}]` : '[audit]';
  if (write.op !== 'update') return `${write.key.pk}{${write.op}}`;
  const entries = (sign: string, changed: object = {}) =>
    Object.entries(changed).flatMap(([name, of]) => Object.keys(of).map((entry) => `${sign}${name}.${entry}`));
  const removed = Object.entries(write.removeEntries ?? {}).flatMap(([name, of]) =>
    of.map((entry) => `-${name}.${entry}`),
  );
  const changed = [...Object.keys(write.set ?? {}), ...entries('+', write.setEntries), ...removed];
  return `${write.key.pk}{${changed.join(',')}}`;
}

const REPORTS = {
  'attempt.not_sent': 'write_2_not_sent',
  'attempt.unknown': 'write_2_unknown',
  'attempt.config': 'write_2_config',
  'attempt.throttled': 'write_2_throttled',
  'attempt.doubt': 'write_1_doubt',
  'attempt.superseded': 'write_5_superseded',
  'attempt.late': 'write_6_other_generation',
  'attempt.rejected': 'write_8_suspect',
  'grant.needs_reauth': 'write_9_needs_reauth',
  'duty.detached': 'write_15_detached',
  'grant.closed': 'write_16_closed',
  'grant.restored': 'restored',
} as const satisfies Partial<Record<AuditEvent, string>>;

/** Which writes of protocol.md a change was, and what else it shows. */
export function situationsOf(change: GrantChange): string[] {
  const { before, after, transaction, rows } = change;
  const seen = rows.flatMap(({ event }) => (event in REPORTS ? [REPORTS[event as keyof typeof REPORTS]] : []));
  const events = new Set(rows.map(({ event }) => event));
  if (before?.status !== after.status) seen.push(`${before?.status ?? 'new'}_to_${after.status}` as never);
  const more: string[] = [...seen];
  if (isLeasedRecord(after) && after.attempt?.id !== before?.attempt?.id) more.push('write_1_acquire');
  if (events.has('attempt.ok')) more.push(commitOf(change));
  if (events.has('attempt.ok') && change.isResealed) more.push('write_3_resealed');
  if (events.has('grant.banked')) more.push(before === undefined ? 'write_10_bank_new' : 'write_10_bank_over');
  if (events.has('grant.banked') && before !== undefined && isLeasedRecord(before)) more.push('bank_while_leased');
  if (events.has('connection.linked')) {
    more.push(grantsIn(transaction).length > 1 ? 'write_12_link_moved' : 'write_11_link');
  }
  if (events.has('connection.disconnected')) {
    more.push(after.status === 'closing' ? 'write_13_disconnect_revoke' : 'write_14_disconnect_detach');
    if (isLeasedRecord(after)) more.push('disconnect_while_leased');
  }
  if (rows.length === 0 && before !== undefined) more.push(...quietOf(before, after));
  if (after.auditOwed !== undefined && before?.auditOwed === undefined) more.push('audit_owed');
  if (before !== undefined) more.push(...tokensOf(before, after));
  return more;
}

function commitOf({ before, after }: GrantChange): string {
  const displaced = before?.current?.attemptId;
  const why = displaced === undefined ? undefined : after.held[displaced]?.why;
  return why === 'displaced' ? 'write_4_displace' : 'write_3_commit';
}

/** Writes that leave no row in the audit. */
function quietOf(before: GrantFields, after: GrantFields): string[] {
  if (after.lastUsedAt !== before.lastUsedAt) return ['write_18_touched'];
  const isRepair = after.dueAt !== before.dueAt && after.attempt === before.attempt && after.status === before.status;
  return isRepair ? ['write_19_repaired'] : [];
}

function tokensOf(before: GrantFields, after: GrantFields): string[] {
  const seen: string[] = [];
  const kept = Object.keys(after.held);
  const isEvicted = kept.length === MAX_HELD && Object.keys(before.held).some((id) => !kept.includes(id));
  if (isEvicted) seen.push('held_evicted');
  const isCleared = Object.keys(before.doubts).length > 0 && Object.keys(after.doubts).length === 0;
  if (isCleared) seen.push('doubt_cleared');
  const isAnew = after.status === 'active' && after.generation !== before.generation;
  if (isAnew && isLeasedRecord(after)) seen.push('authorised_while_leased');
  return seen;
}
