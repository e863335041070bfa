import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { GrantKey } from '../../../lib/domain/terms.ts';
import { lookAtDue } from '../../../lib/service/due-look.ts';
import { DueQueue, type QueueOptions } from '../../../lib/service/due-queue.ts';
import type { DueEntry } from '../../../lib/service/ports.ts';
import { MINUTE, T0 } from '../../support/grants.ts';

/** An index of `[partition, grant, dueAt]`, and how often it was asked for each partition. */
function indexOf(rows: readonly (readonly [string, string, number])[], broken: readonly string[] = []) {
  const entries = rows.map(([partition, grant, dueAt]) => ({ partition, grant: grant as GrantKey, dueAt }));
  const asked: string[] = [];
  const logged: string[] = [];
  const ports = {
    clock: { now: () => T0, sleep: async () => undefined },
    log: (level: string, message: string, fields: object) =>
      void logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    store: {
      async listDue(partition: string, at: number, limit: number): Promise<DueEntry[]> {
        asked.push(`${partition} ${limit}`);
        if (broken.includes(partition)) throw new GrantkeeperError('unavailable');
        return entries
          .filter((entry) => entry.partition === partition && entry.dueAt <= at)
          .toSorted((a, b) => a.dueAt - b.dueAt)
          .slice(0, limit)
          .map(({ grant, dueAt }) => ({ grant, dueAt }));
      },
    },
  };
  return { ports, entries, asked, logged };
}

type Index = ReturnType<typeof indexOf>;
const PARTITIONS = ['xero#00', 'xero#01', 'xero#recovery#00', 'xero#suspect#00', 'xero#suspect#03'];
const NO_GRACE: QueueOptions = { graceEndsAt: async () => undefined };

async function queueOver({ ports }: Index, options: QueueOptions = NO_GRACE): Promise<DueQueue> {
  const { found } = await lookAtDue(ports, PARTITIONS);
  const queue = new DueQueue(ports, found, options);
  await queue.prepare();
  return queue;
}

async function taken(queue: DueQueue, count = 10_000): Promise<string[]> {
  const keys: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const entry = await queue.next();
    if (entry === undefined) break;
    keys.push(entry.grant.replace('xero#', ''));
  }
  return keys;
}

function rowsOf(partition: string, count: number, prefix: string, from = T0 - MINUTE) {
  return Array.from({ length: count }, (_, n) => [partition, `xero#${prefix}${n}`, from + n] as const);
}

test('the most overdue of all partitions comes first', async () => {
  const rows = [
    ['xero#00', 'xero#a', T0 - 3],
    ['xero#01', 'xero#b', T0 - 9],
    ['xero#00', 'xero#c', T0],
    ['xero#01', 'xero#d', T0 + 1],
  ] as const;
  const queue = await queueOver(indexOf(rows));
  expect([queue.found, queue.left]).toEqual([3, 3]);
  expect(await taken(queue)).toEqual(['b', 'a', 'c']);
  expect([queue.found, queue.left]).toEqual([3, 0]);
});

test('recovery has every second turn but not the first, the others alternate', async () => {
  const rows = [
    ...rowsOf('xero#recovery#00', 9, 'r'),
    ...rowsOf('xero#01', 3, 'n', T0 - 60 * MINUTE),
    ...rowsOf('xero#suspect#03', 3, 's', T0 - 90 * MINUTE),
  ];
  const expected = ['n0', 'r0', 's0', 'r1', 'n1', 'r2', 's1', 'r3', 'n2', 'r4', 's2', 'r5', 'r6', 'r7', 'r8'];
  expect(await taken(await queueOver(indexOf(rows)))).toEqual(expected);
});

test('a mass of suspects starves nobody, nor do the others starve them', async () => {
  const rows = [...rowsOf('xero#suspect#00', 240, 's', T0 - 99 * MINUTE), ...rowsOf('xero#00', 2, 'n')];
  expect(await taken(await queueOver(indexOf(rows)), 4)).toEqual(['n0', 's0', 'n1', 's1']);
  const others = [...rowsOf('xero#00', 240, 'n', T0 - 99 * MINUTE), ...rowsOf('xero#suspect#00', 2, 's')];
  expect(await taken(await queueOver(indexOf(others)), 4)).toEqual(['n0', 's0', 'n1', 's1']);
});

test('recovery goes by the grace that is left; where it is over, unknown or none, it comes last', async () => {
  const rows = rowsOf('xero#recovery#00', 6, '');
  const ends: Record<string, number | undefined> = {
    'xero#0': T0 - 1,
    'xero#1': T0 + 9 * MINUTE,
    'xero#3': T0 + MINUTE,
    'xero#4': T0,
    'xero#5': T0 + 5 * MINUTE,
  };
  const graceEndsAt = async (key: GrantKey) => {
    if (key === 'xero#2') throw new GrantkeeperError('unavailable');
    return ends[key];
  };
  expect(await taken(await queueOver(indexOf(rows), { graceEndsAt }))).toEqual(['4', '3', '5', '1', '0', '2']);
});

test('of recovery at most a page is read to put it in order', async () => {
  const { ports } = indexOf([]);
  const entries = rowsOf('xero#recovery#00', 300, '').map(([, grant, dueAt]) => ({ grant: grant as GrantKey, dueAt }));
  let reads = 0;
  const graceEndsAt = async () => {
    reads += 1;
    return T0;
  };
  const queue = new DueQueue(ports, new Map([['xero#recovery#00', entries]]), { graceEndsAt });
  await queue.prepare();
  expect(reads).toBe(250);
  expect(await taken(queue)).toHaveLength(300);
});

test('it goes on where a partition had more, further each time, and hands out nothing twice', async () => {
  const index = indexOf([...rowsOf('xero#00', 600, 'a'), ...rowsOf('xero#01', 30, 'b')]);
  const queue = await queueOver(index);
  index.asked.length = 0;
  const keys = await taken(queue);
  expect(keys).toHaveLength(630);
  expect(new Set(keys).size).toBe(630);
  // Nothing was taken out of the index here, as if all of it stayed due.
  expect(index.asked).toEqual(['xero#00 500', 'xero#00 750']);
});

test('a partition that was found whole is not asked again, whatever comes due meanwhile', async () => {
  const index = indexOf(rowsOf('xero#00', 3, 'a'));
  const queue = await queueOver(index);
  index.entries.push({ partition: 'xero#00', grant: 'xero#new', dueAt: T0 - 1 });
  expect(await taken(queue)).toEqual(['a0', 'a1', 'a2']);
  expect(index.asked).toHaveLength(PARTITIONS.length);
});

test('a grant that moved to another partition meanwhile is not handed out again', async () => {
  const index = indexOf([...rowsOf('xero#00', 250, 'a'), ...rowsOf('xero#suspect#00', 250, 's', T0 - 9 * MINUTE)]);
  const queue = await queueOver(index);
  index.entries.splice(0, 1);
  index.entries.push({ partition: 'xero#suspect#00', grant: 'xero#a0', dueAt: T0 - 8 * MINUTE });
  const keys = await taken(queue);
  expect(keys).toHaveLength(500);
  expect(new Set(keys).size).toBe(500);
});

test('a partition that cannot be read when asked again is left to the next run', async () => {
  const index = indexOf([...rowsOf('xero#00', 250, 'a'), ...rowsOf('xero#01', 2, 'b')]);
  const queue = await queueOver(index);
  index.ports.store.listDue = async () => Promise.reject(new GrantkeeperError('unavailable'));
  expect(await taken(queue)).toHaveLength(252);
  expect(index.logged).toEqual(['error parts of the due index could not be read {"missed":1}']);
});

test('shuffled, it hands out what was found at first, in any order, and reads nothing more', async () => {
  const index = indexOf([...rowsOf('xero#00', 400, 'a'), ...rowsOf('xero#recovery#00', 3, 'r')]);
  let seed = 7;
  const shuffle = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const graceEndsAt = () => Promise.reject(new Error('nobody should ask'));
  const keys = await taken(await queueOver(index, { graceEndsAt, shuffle }));
  expect(keys).toHaveLength(253);
  const normal = keys.filter((key) => key.startsWith('a'));
  expect(normal).not.toEqual(normal.toSorted());
  expect(index.asked).toHaveLength(PARTITIONS.length);
});

test('a look tells what it missed and why', async () => {
  const { ports } = indexOf(rowsOf('xero#00', 1, 'a'), ['xero#01', 'xero#02']);
  expect(await lookAtDue(ports, ['xero#00', 'xero#01', 'xero#02'])).toEqual({
    found: new Map([['xero#00', [{ grant: 'xero#a0', dueAt: T0 - MINUTE }]]]),
    missed: 2,
    cause: new GrantkeeperError('unavailable'),
  });
});
