import type { Key, Write } from '../../lib/domain/write.ts';
import { restore } from '../../lib/service/restore.ts';
import { MINUTE } from '../support/grants.ts';
import type { Item } from '../support/memory-items.ts';
import { PLANTED } from './fleet.ts';
import { policiesFor } from './ports.ts';
import type { World } from './world.ts';

/** Restore from a point in time: grants and connections become what they were; the audit table does not. */

const TABLES = ['grants', 'connections'] as const;
/** Longer than any lease, so that the refreshers have let go of everything. */
const STANDSTILL_MS = 4 * MINUTE;

/** What the tables held. */
export type Snapshot = Readonly<Record<(typeof TABLES)[number], readonly Readonly<Item>[]>>;

/** Takes the tables down as they are. Items are replaced and never changed, so they need no copy. */
export function snapshotOf({ context: { store } }: World): Snapshot {
  return { grants: [...store.each('grants')], connections: [...store.each('connections')] };
}

/** Stops everybody, puts the tables back, and runs the product's restore. */
export async function restoreTo(world: World, snapshot: Snapshot): Promise<void> {
  const { context } = world;
  const { scheduler, store, provider, custody } = context;
  for (const process of scheduler.running()) scheduler.kill(process);
  await scheduler.runUntil(scheduler.now() + STANDSTILL_MS);
  const beganAt = scheduler.now();
  context.tell(() => '-- the tables are restored');
  custody.restored();
  world.watch.restored();
  for (const table of TABLES) await putBack(world, table, snapshot[table]);
  const clock = { now: () => scheduler.now(), sleep: () => Promise.resolve() };
  const ports = { store, clock, policies: policiesFor(provider.rotation) };
  const { problems } = await restore(ports, { id: context.newWorldId(), beganAt, dryRun: false });
  const [problem] = problems.filter(({ problem }) => problem !== 'unlinked');
  if (problem !== undefined) context.fail(`the restore leaves ${problem.grant} as it is: ${problem.problem}`);
}

async function putBack(
  { context }: World,
  table: (typeof TABLES)[number],
  items: readonly Readonly<Item>[],
): Promise<void> {
  const { store } = context;
  const keyOf = ({ pk, sk }: Readonly<Item>): Key => ({
    pk: String(pk),
    ...(sk === undefined ? {} : { sk: String(sk) }),
  });
  const put = items.map((item) => ({ table, key: keyOf(item), when: [], op: 'put', item }) as unknown as Write);
  const known = new Set(items.map((item) => JSON.stringify(keyOf(item))));
  const gone = [...store.each(table)].map(keyOf).filter((key) => !known.has(JSON.stringify(key)));
  const removed = gone.map((key): Write => ({ table, key, when: [], op: 'delete' }));
  for (const write of [...put, ...removed]) {
    await store.commit({ token: `${PLANTED}${context.newWorldId()}`, writes: [write] });
  }
}
