import { expect, test } from 'vitest';
import { claimKey } from '../../../lib/domain/connection.ts';
import { createPolicies } from '../../../lib/service/policies.ts';
import { type RevokeReport, revokeAll } from '../../../lib/service/revoke-all.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

const connectionOf = (id: string) =>
  quickbooksConnection({
    pk: `ORG#${id}`,
    organizationId: id,
    tenantId: id,
    grant: `quickbooks#${id}`,
    linkId: `link-${id}`,
  });

/** So many organisations, each with its company. */
async function given(count: number) {
  const clock = createFakeClock({ startAt: T0, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  const connections = Array.from({ length: count }, (_, index) => connectionOf(`org-${index}`));
  for (const [index, connection] of connections.entries()) {
    const { pk, sk, organizationId, grant, linkId } = connection;
    const claim = claimKey('quickbooks', connection.tenantId);
    const item = quickbooksGrant({ pk: grant, subject: connection.tenantId, orgs: new Set([organizationId]) });
    await store.commit({
      token: `given-${index}`,
      writes: [
        { table: 'connections', key: { pk, sk }, when: [], op: 'put', item: connection },
        { table: 'connections', key: claim, when: [], op: 'put', item: { v: 1, ...claim, organizationId, linkId } },
        { table: 'grants', key: { pk: grant }, when: [], op: 'put', item },
      ],
    });
  }
  const nothing = () => undefined;
  const ports = { store, clock, policies: createPolicies(), count: nothing, log: nothing };
  async function* pages(size: number) {
    for (let first = 0; first < connections.length; first += size) yield connections.slice(first, first + size);
  }
  return { ports, store, pages, connections };
}

test('every connection of every page is ended as by the API, with its claim, its duty and its audit row', async () => {
  const { ports, store, pages } = await given(20);
  const progress: number[] = [];
  const report = await revokeAll(ports, pages(8), ({ ended }) => void progress.push(ended));
  expect([report, progress]).toEqual([{ ended: 20, already: 0, failed: [], stopped: false }, [8, 16, 20]]);
  const { connections, grants, audit } = store.dump();
  expect(connections.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'disconnected'));
  expect(grants.every(({ status, orgs, dueAt }) => status === 'closing' && orgs === undefined && dueAt === T0)).toBe(
    true,
  );
  const told = audit.filter(({ event }) => event === 'connection.disconnected').map(({ actor }) => actor);
  expect(told).toEqual(Array.from({ length: 20 }, () => 'operator'));
});

test('whoever runs it again meets what was ended as already done', async () => {
  const { ports, pages } = await given(3);
  await revokeAll(ports, pages(2));
  expect(await revokeAll(ports, pages(2))).toEqual({ ended: 0, already: 3, failed: [], stopped: false });
});

test('what cannot be written is tried three times, then named, and keeps nothing else', async () => {
  const { ports, store, pages } = await given(3);
  const isOf1 = (transaction: object) => JSON.stringify(transaction).includes('ORG#org-1"');
  store.failNext({ when: 'before', times: 1_000, matches: isOf1 });
  expect(await revokeAll(ports, pages(3))).toEqual({
    ended: 2,
    already: 0,
    failed: [{ organizationId: 'org-1', provider: 'quickbooks', code: 'unavailable' }],
    stopped: false,
  });
  expect((await store.readConnection('org-1', 'quickbooks'))?.status).toBe('connected');
});

test('a store that is out of order for a while costs time and no connection', async () => {
  const { ports, store, pages } = await given(1);
  store.failNext({ when: 'before', times: 10_000, matches: () => ports.clock.now() < T0 + 8_000 });
  expect(await revokeAll(ports, pages(1))).toEqual({ ended: 1, already: 0, failed: [], stopped: false });
});

test('at most eight are under way at once', async () => {
  const { ports, store, pages } = await given(30);
  let running = 0;
  let most = 0;
  store.onCommit({
    async before() {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
    },
    after() {
      running -= 1;
    },
  });
  const report: RevokeReport = await revokeAll(ports, pages(30));
  expect([report.ended, most]).toEqual([30, 8]);
});

test('a hundred failures end it: the store is out of order', async () => {
  const { ports, store, pages } = await given(130);
  store.failNext({ when: 'before', times: Number.POSITIVE_INFINITY });
  const { ended, failed, stopped } = await revokeAll(ports, pages(60));
  expect([ended, failed.length >= 100 && failed.length < 110, stopped]).toEqual([0, true, true]);
});
