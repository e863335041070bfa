import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { GrantFields, Instant } from '../../lib/domain/grant.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import type { DueEntry, Store } from '../../lib/service/ports.ts';
import type { MemoryStore } from '../support/memory-store.ts';
import type { SimContext } from './context.ts';
import type { Process } from './process.ts';

/** How old an answer of the index may be. */
const INDEX_LAG_MS = 3_000;
/** Between the two ends of the time limits of the SDK's client (lib/aws/clients.ts). */
const SLOW_MS = 4_000;
const FAST_MS = [0, 3, 5, 10, 20] as const;

/**
 * The store as one process reaches it: each call takes its time, may fail, and may be the last thing the process does.
 */
export function storeOf(context: SimContext, process: Process): Store {
  const { store, weather, scheduler, random, situations } = context;
  const pause = () => scheduler.gate(process, weather.strikes('slowStore') ? SLOW_MS : random.pick(FAST_MS));
  const isDown = () => weather.isOn('store');

  const reading =
    <A extends unknown[], R>(read: (...asked: A) => Promise<R>) =>
    async (...asked: A) => {
      await pause();
      if (isDown() || weather.strikes('read')) throw unavailable();
      return await read(...asked);
    };

  /**
   * An index, and as such a moment behind. Nothing is slower than the slowest of many, so empty parts answer at once.
   */
  const listing =
    <A extends [string, ...unknown[]], R>(read: (...asked: A) => Promise<R>, stale: (...asked: A) => R) =>
    async (...asked: A) => {
      if (isDown() || weather.strikes('read')) throw unavailable();
      if (context.index.isStill(asked[0])) return await read(...asked);
      await pause();
      if (!weather.strikes('staleIndex')) return await read(...asked);
      situations.saw('index_stale');
      return stale(...asked);
    };

  return {
    readGrant: reading(store.readGrant),
    readConnection: reading(store.readConnection),
    readClaim: reading(store.readClaim),
    readServed: reading(store.readServed),
    readFlow: reading(store.readFlow),
    readApiKey: reading(store.readApiKey),
    listConnections: reading(store.listConnections),
    readProvider: reading(store.readProvider),
    scanGrants: reading(store.scanGrants),
    listAudit: reading(store.listAudit),
    listDue: listing(store.listDue, (partition, at, limit) => context.index.listAgo(partition, at).slice(0, limit)),
    countPartition: listing(store.countPartition, (partition) => context.index.listAgo(partition).length),
    async commit(transaction) {
      await pause();
      const cannot = isDown() || weather.strikes('writeNotMade') || (isAudited(transaction) && weather.isOn('audit'));
      if (cannot) throw unavailable();
      const altered = context.mutant.transaction?.(transaction, process) ?? transaction;
      const verdict = await store.commit(altered);
      context.onCommitted(process, altered);
      await pause();
      process.writes += 1;
      if (weather.strikes('answerToWriteLost') || context.losesAnswer(process)) throw unavailable();
      return verdict;
    },
  };
}

function isAudited({ writes }: Transaction): boolean {
  return writes.some(({ table }) => table === 'audit');
}

function unavailable(): GrantkeeperError {
  return new GrantkeeperError('unavailable');
}

export type DueIndex = ReturnType<typeof createDueIndex>;

/** What the due index looked like a moment ago. */
export function createDueIndex(store: Pick<MemoryStore, 'each'>, now: () => Instant) {
  let changes: { readonly at: Instant; readonly before: GrantFields }[] = [];
  const touched = new Set<string>();
  const remember = (grant: GrantFields | undefined) => {
    if (grant?.duePartition !== undefined) touched.add(grant.duePartition);
  };
  return {
    /** Called with each change of a grant. */
    changed(before: GrantFields | undefined, after: GrantFields): void {
      remember(before);
      remember(after);
      if (before === undefined || (before.dueAt === after.dueAt && before.duePartition === after.duePartition)) return;
      changes = [...changes.filter(({ at }) => at > now() - INDEX_LAG_MS), { at: now(), before }];
    },
    /** It has been empty all the time. */
    isStill: (partition: string) => !touched.has(partition),
    listAgo(partition: string, dueBefore = Number.POSITIVE_INFINITY): DueEntry[] {
      const grants = new Map<string, GrantFields>();
      for (const item of store.each('grants')) grants.set(String(item.pk), item as unknown as GrantFields);
      for (const { at, before } of changes.toReversed()) {
        if (at > now() - INDEX_LAG_MS) grants.set(before.pk, before);
      }
      return [...grants.values()]
        .filter((grant) => grant.duePartition === partition && (grant.dueAt ?? Number.POSITIVE_INFINITY) <= dueBefore)
        .map((grant) => ({ grant: grant.pk, dueAt: grant.dueAt ?? 0 }))
        .toSorted((a, b) => a.dueAt - b.dueAt);
    },
  };
}
