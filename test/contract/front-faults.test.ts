import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { equals, type Transaction } from '../../lib/domain/write.ts';
import type { Store } from '../../lib/service/ports.ts';
import type { Fault } from '../../local/aws/faults.ts';
import { type Front, startFront } from '../support/front.ts';
import { quickbooksGrant } from '../support/grants.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { createTables } from '../support/tables.ts';

let front: Front;
let store: Store;
let count = 0;

beforeAll(async () => {
  front = await startFront();
  store = createDynamoStore({ client: front.client, tables: await createTables(front.client, 'faults') });
});
afterEach(() => front.dynamoDb.clearFaults());
afterAll(() => front.stop());

/** A grant at number 7, and the write that raises it once. */
async function seeded(target: Store) {
  count += 1;
  const grant = quickbooksGrant({ pk: `quickbooks#${count}` });
  const key = { pk: grant.pk };
  await target.commit({ token: `put-${count}`, writes: [{ table: 'grants', key, when: [], op: 'put', item: grant }] });
  const raise: Transaction = {
    token: `raise-${count}`,
    writes: [{ table: 'grants', key, when: [equals(['number'], 7)], op: 'update', set: { number: 8 } }],
  };
  return { pk: grant.pk, raise };
}

function plan(fault: Omit<Fault, 'operation'>): void {
  front.dynamoDb.failNext({ operation: 'TransactWriteItems', ...fault });
}

describe('the DynamoDB store when DynamoDB is in trouble', () => {
  test('one lost answer is hidden: the write happened once and is told as committed', async () => {
    const { pk, raise } = await seeded(store);
    plan({ code: 'drop', when: 'after' });
    expect(await store.commit(raise)).toEqual({ committed: true });
    expect((await store.readGrant(pk))?.number).toBe(8);
  });

  test('when every answer is lost it is unavailable, and the identical repeat says committed', async () => {
    const { pk, raise } = await seeded(store);
    plan({ code: 'drop', when: 'after', times: 2 });
    await expect(store.commit(raise)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await store.commit(raise)).toEqual({ committed: true });
    expect((await store.readGrant(pk))?.number).toBe(8);
  });

  test.for<Omit<Fault, 'operation'>>([
    { code: 'TransactionConflict', times: 2 },
    { code: 'ProvisionedThroughputExceededException', times: 2 },
    { code: 'InternalServerError', times: 2 },
    { code: 'drop', times: 2 },
  ])('$code is no verdict and changes nothing', async (fault) => {
    const { pk, raise } = await seeded(store);
    plan(fault);
    await expect(store.commit(raise)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await store.readGrant(pk))?.number).toBe(7);
  });

  test('a silent DynamoDB is given up after two tries of 2 s', async () => {
    const { raise } = await seeded(store);
    plan({ code: 'hang', times: 2 });
    const startedAt = performance.now();
    await expect(store.commit(raise)).rejects.toMatchObject({ code: 'unavailable', cause: { name: 'TimeoutError' } });
    // Timers may fire a little early, and a busy machine is late.
    expect(performance.now() - startedAt).toBeGreaterThan(3_900);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('the in-memory store when it is to fail', () => {
  test('before: nothing has happened', async () => {
    const memory = createMemoryStore();
    const { pk, raise } = await seeded(memory);
    memory.failNext({ when: 'before', times: 2 });
    await expect(memory.commit(raise)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(memory.commit(raise)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await memory.readGrant(pk))?.number).toBe(7);
    expect(await memory.commit(raise)).toEqual({ committed: true });
  });

  test('after: only the answer is lost, and the identical repeat says committed', async () => {
    const memory = createMemoryStore();
    const { pk, raise } = await seeded(memory);
    memory.failNext({ when: 'after' });
    await expect(memory.commit(raise)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await memory.readGrant(pk))?.number).toBe(8);
    expect(await memory.commit(raise)).toEqual({ committed: true });
  });

  test('only what fits, and reads on request', async () => {
    const memory = createMemoryStore();
    const { pk, raise } = await seeded(memory);
    memory.failNext({ when: 'before', matches: ({ token }) => token === 'another' });
    expect(await memory.commit(raise)).toEqual({ committed: true });
    memory.failNext({ when: 'before', operation: 'read' });
    await expect(memory.readGrant(pk)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await memory.readGrant(pk))?.number).toBe(8);
  });

  test('forgets a token after 10 minutes', async () => {
    let now = 0;
    const memory = createMemoryStore({ now: () => now });
    const { raise } = await seeded(memory);
    await memory.commit(raise);
    now = 599_999;
    expect(await memory.commit(raise)).toEqual({ committed: true });
    now = 600_000;
    expect(await memory.commit(raise)).toMatchObject({ committed: false });
  });

  test('hooks see each commit before and after, and may come in between', async () => {
    const memory = createMemoryStore();
    const { pk, raise } = await seeded(memory);
    const seen: unknown[] = [];
    const stop = memory.onCommit({
      before: async ({ token }) => {
        seen.push(['before', token, (await memory.readGrant(pk))?.number]);
      },
      after: async ({ token }, verdict) => {
        seen.push(['after', token, (await memory.readGrant(pk))?.number, verdict.committed]);
      },
    });
    await memory.commit(raise);
    stop();
    await memory.commit(raise);
    expect(seen).toEqual([
      ['before', raise.token, 7],
      ['after', raise.token, 8, true],
    ]);
  });

  test('a dump is a copy of every table', async () => {
    const memory = createMemoryStore();
    const { pk } = await seeded(memory);
    const dump = memory.dump();
    expect(dump).toEqual({
      grants: [quickbooksGrant({ pk })],
      connections: [],
      flows: [],
      apiKeys: [],
      audit: [],
    });
    for (const grant of dump.grants) (grant.orgs as Set<string>).add('intruder');
    expect((await memory.readGrant(pk))?.orgs).toEqual(new Set(['acme']));
  });
});
