import { isDeepStrictEqual } from 'node:util';
import { toRecord } from '../../lib/aws/record.ts';
import { type Connection, claimKey, connectionKey } from '../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Grant, GrantKey, Instant } from '../../lib/domain/grant.ts';
import { TABLES, type TableName } from '../../lib/domain/names.ts';
import type { FailedLeg, Key, Records, Transaction, Verdict, Write } from '../../lib/domain/write.ts';
import type { DueEntry, Store } from '../../lib/service/ports.ts';
import { applied, copyOf, holds, ImpossibleWrite, type Item, refuseImpossibleChange } from './memory-items.ts';

/** DynamoDB's: how long a request token is remembered, and how many legs a transaction may have. */
const TOKEN_MS = 10 * 60_000;
const MAX_LEGS = 100;
const MAX_TOKEN_LENGTH = 36;

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
}

/** An empty store that passes the same contract as the one on DynamoDB. `now` only ages request tokens. */
export function createMemoryStore({ now = Date.now }: { now?: () => Instant } = {}): MemoryStore {
  const data = new Data();
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
    dump: () => Object.fromEntries(TABLES.map((table) => [table, data.all(table)])) as Record<TableName, Item[]>,
  };
}

type Read = <T>(find: () => T) => Promise<T>;

function reads(data: Data, read: Read): Omit<Store, 'commit'> {
  const get = <T>(table: TableName, key: Key) => read(() => asRecord(table, data.get(table, key)) as T | undefined);
  return {
    readGrant: (key) => get('grants', { pk: key }),
    readConnection: (organizationId, provider) => get('connections', connectionKey(organizationId, provider)),
    readClaim: (provider, tenantId) => get('connections', claimKey(provider, tenantId)),
    readServed: (organizationId, provider, grant) =>
      read(() => {
        const connection = asRecord('connections', data.get('connections', connectionKey(organizationId, provider)));
        const granted = grant === undefined ? undefined : asRecord('grants', data.get('grants', { pk: grant }));
        return {
          ...(connection === undefined ? {} : { connection: connection as Connection }),
          ...(granted === undefined ? {} : { grant: granted as Grant }),
        };
      }),
    readFlow: (id) => get('flows', { pk: id }),
    readApiKey: (id) => get('apiKeys', { pk: id }),
    listConnections: (organizationId) =>
      read(() => {
        const items = data.all('connections').filter(({ pk }) => pk === `ORG#${organizationId}`);
        return items.map((item) => asRecord('connections', item) as unknown as Connection);
      }),
    listDue: (partition, at, limit) => read(() => dueEntries(data.each('grants'), { partition, at }).slice(0, limit)),
  };
}

/** As the adapter does: a record of another release is told, not handed out. */
function asRecord<N extends TableName>(table: N, item: Item | undefined): Records[N] | undefined {
  return item === undefined ? undefined : toRecord(table, item);
}

function dueEntries(grants: Iterable<Readonly<Item>>, due: { partition: string; at: Instant }): DueEntry[] {
  const entries: DueEntry[] = [];
  for (const { pk, duePartition, dueAt } of grants) {
    const isDue = duePartition === due.partition && typeof dueAt === 'number' && dueAt <= due.at;
    if (isDue) entries.push({ grant: pk as GrantKey, dueAt });
  }
  return entries.toSorted((a, b) => a.dueAt - b.dueAt);
}

interface Places {
  readonly data: Data;
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
      for (const { index, image } of failed) asRecord(writes[index]?.table ?? 'grants', image as Item | undefined);
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

function outcomeOf(write: Write, index: number, data: Data): FailedLeg | { write: Write; after: Item | undefined } {
  const before = data.get(write.table, write.key);
  if (write.when.every((condition) => holds(condition, before))) return { write, after: applied(write, before) };
  return before === undefined ? { index } : { index, image: before };
}

function copyWrite(write: Write): Write {
  // Conditions hold no values of their own kind, but an undefined one would be no condition any more.
  return { ...copyOf<object>({ ...write, when: [] }), when: structuredClone(write.when) } as unknown as Write;
}

function refuseImpossible(token: string, writes: readonly Write[]): void {
  if (token.length < 1 || token.length > MAX_TOKEN_LENGTH) throw new ImpossibleWrite('a token has 1 to 36 characters');
  if (writes.length < 1 || writes.length > MAX_LEGS) throw new ImpossibleWrite('a transaction has 1 to 100 legs');
  const places = new Set(writes.map(({ table, key }) => JSON.stringify([table, key.pk, key.sk])));
  if (places.size < writes.length) throw new ImpossibleWrite('a transaction has one leg per item');
  for (const write of writes) {
    refuseImpossibleChange(write);
    const { pk, sk } = write.op === 'put' ? ({ ...write.item } as Item) : write.key;
    if (pk !== write.key.pk || sk !== write.key.sk) throw new TypeError('a put whose item lies under another key');
  }
}

class Data {
  readonly #tables = new Map<TableName, Map<string, Item>>(TABLES.map((table) => [table, new Map()]));

  get(table: TableName, key: Key): Item | undefined {
    const item = this.#items(table).get(placeOf(key));
    return item === undefined ? undefined : copyOf(item);
  }

  set({ table, key }: Write, item: Item | undefined): void {
    if (item === undefined) this.#items(table).delete(placeOf(key));
    else this.#items(table).set(placeOf(key), copyOf(item));
  }

  all(table: TableName): Item[] {
    const sorted = [...this.#items(table)].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([, item]) => copyOf(item));
  }

  /** Uncopied, for looking only. */
  each(table: TableName): Iterable<Readonly<Item>> {
    return this.#items(table).values();
  }

  #items(table: TableName): Map<string, Item> {
    const items = this.#tables.get(table);
    if (items === undefined) throw new TypeError(`there is no table ${table}`);
    return items;
  }
}

function placeOf({ pk, sk }: Key): string {
  return JSON.stringify([pk, sk]);
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
