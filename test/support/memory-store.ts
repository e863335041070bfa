import { isDeepStrictEqual } from 'node:util';
import { toRecord } from '../../lib/aws/record.ts';
import type { AuditRow } from '../../lib/domain/audit.ts';
import { type Connection, claimKey, connectionKey } from '../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Grant, Instant } from '../../lib/domain/grant.ts';
import { TABLES, type TableName } from '../../lib/domain/names.ts';
import { type ProviderState, providerKey } from '../../lib/domain/provider-state.ts';
import type { FailedLeg, Key, Records, Transaction, Verdict, Write } from '../../lib/domain/write.ts';
import type { Store } from '../../lib/service/ports.ts';
import { applied, copyOf, holds, ImpossibleWrite, type Item, refuseImpossibleChange } from './memory-items.ts';
import { createMemoryTables, type MemoryTables, placeOf } from './memory-tables.ts';

/** DynamoDB's: how long a request token is remembered, and how many legs a transaction may have. */
const TOKEN_MS = 10 * 60_000;
const MAX_LEGS = 100;
const MAX_TOKEN_LENGTH = 36;
/** A page of DynamoDB's is 1 MB, some hundred grants. */
const SCAN_PAGE = 100;

/** Called around each commit; may wait, so that a test can do something in between. */
interface CommitHook {
  before?(transaction: Transaction): void | Promise<void>;
  after?(transaction: Transaction, verdict: Verdict): void | Promise<void>;
}

/** A failure that was asked for: `before` nothing has happened, `after` only the answer is lost. */
interface StoreFault {
  readonly when: 'before' | 'after';
  /** Default 1. */
  readonly times?: number;
  /** Default `commit`; reads know no `after`. */
  readonly operation?: 'commit' | 'read';
  /** Only commits that fit. */
  matches?(transaction: Transaction): boolean;
}

export interface MemoryStore extends Store {
  /** The next operations that fit throw `unavailable`. */
  failNext(fault: StoreFault): void;
  /** Answers how to stop listening. */
  onCommit(hook: CommitHook): () => void;
  /** A copy of every item, by table, in order of keys. */
  dump(): Record<TableName, Item[]>;
  /** Every item of a table as it lies there, in no order: for looking only, since a copy of each takes its time. */
  each(table: TableName): Iterable<Readonly<Item>>;
}

/** An empty store that passes the same contract as the one on DynamoDB. `now` only ages request tokens. */
export function createMemoryStore({ now = Date.now }: { now?: () => Instant } = {}): MemoryStore {
  const data = createMemoryTables();
  const tokens = createTokenMemory(now);
  const faults = createFaultList();
  const hooks = new Set<CommitHook>();

  async function read<T>(find: () => T): Promise<T> {
    if (faults.take('read') !== undefined) throw unavailable('a read that was to fail');
    return find();
  }
  async function commit(transaction: Transaction): Promise<Verdict> {
    for (const { before } of hooks) await before?.(transaction);
    const fault = faults.take('commit', transaction);
    if (fault === 'before') throw unavailable('a commit that was to fail before it happened');
    const verdict = perform(transaction, { data, tokens });
    for (const { after } of hooks) await after?.(transaction, verdict);
    if (fault === 'after') throw unavailable('a commit whose answer was to be lost');
    return verdict;
  }
  return {
    ...reads(data, read),
    commit,
    failNext: faults.add,
    onCommit(hook) {
      hooks.add(hook);
      return () => hooks.delete(hook);
    },
    dump: () =>
      Object.fromEntries(TABLES.map((table) => [table, data.sorted(table).map(copyOf)])) as Record<TableName, Item[]>,
    each: (table) => data.each(table),
  };
}

type Read = <T>(find: () => T) => Promise<T>;

function reads(data: MemoryTables, read: Read): Omit<Store, 'commit'> {
  const get = <T>(table: TableName, key: Key) => read(() => recordOf(table, data.get(table, key)) as T | undefined);
  return {
    readGrant: (key) => get('grants', { pk: key }),
    readConnection: (organizationId, provider) => get('connections', connectionKey(organizationId, provider)),
    readClaim: (provider, tenantId) => get('connections', claimKey(provider, tenantId)),
    readServed: (organizationId, provider, grant) =>
      read(() => {
        const connection = recordOf('connections', data.get('connections', connectionKey(organizationId, provider)));
        const granted = grant === undefined ? undefined : recordOf('grants', data.get('grants', { pk: grant }));
        return {
          ...(connection === undefined ? {} : { connection: connection as Connection }),
          ...(granted === undefined ? {} : { grant: granted as Grant }),
        };
      }),
    readFlow: (id) => get('flows', { pk: id }),
    readApiKey: (id) => get('apiKeys', { pk: id }),
    listConnections: (organizationId) =>
      read(() => {
        const items = data.under('connections', `ORG#${organizationId}`);
        return items.map((item) => recordOf('connections', item) as Connection);
      }),
    listDue: (partition, at, limit) => read(() => data.due(partition, at, limit)),
    countPartition: (partition) => read(() => data.count(partition)),
    readProvider: (provider) => get<ProviderState>('grants', { pk: providerKey(provider) }),
    scanGrants: (page) => read(() => scanned(data, page)),
    listAudit: (pk, since) =>
      read(() => {
        const rows = data.under('audit', pk).filter(({ sk }) => String(sk) >= new Date(since).toISOString());
        return rows.map((row) => recordOf('audit', row) as AuditRow);
      }),
  };
}

/** A copy, and as the adapter does: a record of another release is told, not handed out. */
function recordOf<N extends TableName>(table: N, item: Item | undefined): Records[N] | undefined {
  return item === undefined ? undefined : toRecord(table, copyOf(item));
}

/** Pages go by the key; whose share an item is never changes, whatever comes or goes meanwhile. */
function scanned(data: MemoryTables, { share, of, next }: Parameters<Store['scanGrants']>[0]) {
  const rest = data
    .sorted('grants')
    .filter(({ pk }) => (next === undefined || String(pk) > next) && shareOf(String(pk), of) === share);
  const page = rest.slice(0, SCAN_PAGE);
  const last = rest.length > page.length ? page.at(-1)?.pk : undefined;
  const grants = page.filter(({ pk }) => !String(pk).startsWith('PROVIDER#'));
  return {
    grants: grants.map((item) => recordOf('grants', item) as Grant),
    ...(last === undefined ? {} : { next: String(last) }),
  };
}

function shareOf(pk: string, of: number): number {
  let sum = 0;
  for (let index = 0; index < pk.length; index += 1) sum += pk.charCodeAt(index);
  return sum % of;
}

interface Places {
  readonly data: MemoryTables;
  readonly tokens: ReturnType<typeof createTokenMemory>;
}

/** Synchronous from the first condition to the last item, so nobody comes in between. */
function perform(transaction: Transaction, { data, tokens }: Places): Verdict {
  try {
    const writes = transaction.writes.map((write) => copyWrite(write));
    refuseImpossible(transaction.token, writes);
    if (tokens.has(transaction.token, writes)) return { committed: true };
    const outcomes = writes.map((write, index) => outcomeOf(write, index, data));
    const failed = outcomes.flatMap((outcome) => ('index' in outcome ? [outcome] : []));
    if (failed.length > 0) {
      return { committed: false, failed };
    }
    for (const outcome of outcomes) if ('after' in outcome) data.set(outcome.write, outcome.after);
    tokens.add(transaction.token, writes);
    return { committed: true };
  } catch (error) {
    if (error instanceof ImpossibleWrite) throw new GrantkeeperError('unavailable', { cause: error });
    throw error;
  }
}

function outcomeOf(
  write: Write,
  index: number,
  data: MemoryTables,
): FailedLeg | { write: Write; after: Item | undefined } {
  const before = data.get(write.table, write.key);
  if (write.when.every((condition) => holds(condition, before))) return { write, after: applied(write, before) };
  return before === undefined ? { index } : { index, image: recordOf(write.table, before) };
}

/** The one copy on the way in: items are made of it, and remembered writes are compared with it. */
function copyWrite(write: Write): Write {
  // Conditions hold no values of their own kind, but an undefined one would be no condition any more.
  return { ...copyOf<object>({ ...write, when: undefined }), when: write.when } as unknown as Write;
}

function refuseImpossible(token: string, writes: readonly Write[]): void {
  if (token.length < 1 || token.length > MAX_TOKEN_LENGTH) throw new ImpossibleWrite('a token has 1 to 36 characters');
  if (writes.length < 1 || writes.length > MAX_LEGS) throw new ImpossibleWrite('a transaction has 1 to 100 legs');
  const places = new Set(writes.map(({ table, key }) => `${table} ${placeOf(key)}`));
  if (places.size < writes.length) throw new ImpossibleWrite('a transaction has one leg per item');
  for (const write of writes) {
    refuseImpossibleChange(write);
    const { pk, sk } = write.op === 'put' ? ({ ...write.item } as Item) : write.key;
    if (pk !== write.key.pk || sk !== write.key.sk) throw new TypeError('a put whose item lies under another key');
  }
}

function createTokenMemory(now: () => Instant) {
  const seen = new Map<string, { readonly writes: readonly Write[]; readonly until: Instant }>();
  return {
    has(token: string, writes: readonly Write[]): boolean {
      const entry = seen.get(token);
      if (entry === undefined || entry.until <= now()) return false;
      if (isDeepStrictEqual(entry.writes, writes)) return true;
      throw new ImpossibleWrite('the token was used with other contents');
    },
    add(token: string, writes: readonly Write[]): void {
      // Insertion order is order of expiry.
      for (const [old, { until }] of seen) {
        if (until > now()) break;
        seen.delete(old);
      }
      seen.delete(token);
      seen.set(token, { writes, until: now() + TOKEN_MS });
    },
  };
}

function createFaultList() {
  let planned: (StoreFault & { left: number })[] = [];
  return {
    add(fault: StoreFault): void {
      planned.push({ ...fault, left: fault.times ?? 1 });
    },
    take(operation: 'commit' | 'read', transaction?: Transaction): StoreFault['when'] | undefined {
      const fault = planned.find(
        (each) =>
          (each.operation ?? 'commit') === operation &&
          (transaction === undefined || (each.matches?.(transaction) ?? true)),
      );
      if (fault === undefined) return undefined;
      fault.left -= 1;
      planned = planned.filter(({ left }) => left > 0);
      return fault.when;
    },
  };
}

function unavailable(message: string): GrantkeeperError {
  return new GrantkeeperError('unavailable', { cause: new Error(message) });
}
