import type { Clock, DueEntry, LogOutcome, Store } from './ports.ts';

/** Entries asked for per partition at a time; keys only, so some 30 kB. */
export const PAGE = 250;

export interface LookPorts {
  readonly store: Pick<Store, 'listDue'>;
  readonly clock: Clock;
  readonly log: LogOutcome;
}

/** What a look into the due index found, partition by partition, most overdue first. */
export interface Look {
  readonly found: ReadonlyMap<string, readonly DueEntry[]>;
  /** Partitions that could not be read. */
  readonly missed: number;
  /** Why the first of them could not. */
  readonly cause?: unknown;
}

/** Asks the due index, all partitions at once. One that cannot be read is told and left to the next run. */
export async function lookAtDue(
  ports: LookPorts,
  partitions: readonly string[],
  limitOf: (partition: string) => number = () => PAGE,
): Promise<Look> {
  const now = ports.clock.now();
  const found = new Map<string, readonly DueEntry[]>();
  const causes: unknown[] = [];
  const look = async (partition: string) => {
    try {
      found.set(partition, await ports.store.listDue(partition, now, limitOf(partition)));
    } catch (error) {
      causes.push(error);
    }
  };
  await Promise.all(partitions.map(look));
  if (causes.length > 0) ports.log('error', 'parts of the due index could not be read', { missed: causes.length });
  return { found, missed: causes.length, ...(causes.length === 0 ? {} : { cause: causes[0] }) };
}
