import { duePartitions } from '../domain/grant.ts';
import { PROVIDER_IDS, type ProviderId } from '../domain/names.ts';
import type { Look } from './due-look.ts';
import type { DueEntry, HandOver, LogOutcome } from './ports.ts';

/** More due than this, and one run of 110 s with 16 workers is not enough when the provider is slow. */
const HAND_OVER_ABOVE = 500;
/** Runs that a sweep is divided among, itself included. */
const SHARES = 4;

const PROVIDER_OF: ReadonlyMap<string, ProviderId> = new Map(
  PROVIDER_IDS.flatMap((provider) => duePartitions(provider).map((partition) => [partition, provider] as const)),
);

/** All partitions of all providers. */
export const ALL_PARTITIONS: readonly string[] = [...PROVIDER_OF.keys()];

/** The provider of a partition; undefined when there is no such partition. */
export function providerOf(partition: string): ProviderId | undefined {
  return PROVIDER_OF.get(partition);
}

/**
 * Hands parts of what was found to copies of the function when it is too much for one run, and answers what is left to this
 * one. A copy that cannot be asked costs nothing: its share stays here. Only partitions of `providers` are handed on.
 */
export async function shareOut(
  ports: { readonly handOver: HandOver; readonly log: LogOutcome },
  found: Look['found'],
  providers: readonly ProviderId[],
): Promise<Look['found']> {
  const mayLeave = ([partition, entries]: [string, readonly DueEntry[]]) =>
    entries.length > 0 && providers.some((provider) => provider === PROVIDER_OF.get(partition));
  const busy = [...found].filter(mayLeave);
  if (dueIn(busy) <= HAND_OVER_ABOVE) return found;
  const [, ...others] = divided(busy);
  const handed = await Promise.all(others.map((share) => handedOver(ports, share)));
  const gone = new Set(handed.flat());
  return new Map([...found].filter(([partition]) => !gone.has(partition)));
}

type Found = readonly [string, readonly DueEntry[]][];

/** The partitions of the share if a copy has taken it. */
async function handedOver({ handOver, log }: Parameters<typeof shareOut>[0], share: Found): Promise<string[]> {
  const partitions = share.map(([partition]) => partition);
  try {
    await handOver({ partitions });
    log('info', 'a share of the sweep was handed over', { count: partitions.length, due: dueIn(share) });
    return partitions;
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    log('warn', 'a share of the sweep could not be handed over', { count: partitions.length, error: name });
    return [];
  }
}

/** As even as whole partitions allow: the fullest first, each to the share that has least. */
function divided(busy: Found): Found[] {
  const shares = Array.from({ length: Math.min(SHARES, busy.length) }, (): [string, readonly DueEntry[]][] => []);
  for (const each of busy.toSorted(([, a], [, b]) => b.length - a.length)) {
    shares.toSorted((a, b) => dueIn(a) - dueIn(b))[0]?.push(each);
  }
  return shares;
}

function dueIn(share: Found): number {
  return share.reduce((sum, [, entries]) => sum + entries.length, 0);
}
