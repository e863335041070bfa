import { expect, test } from 'vitest';
import { auditRow } from '../../../lib/domain/audit.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { appendAudit, equals, type Transaction } from '../../../lib/domain/write.ts';
import { persist } from '../../../lib/service/persist.ts';
import { createSingleFlight } from '../../../lib/service/single-flight.ts';
import { quickbooksConnection, T0 } from '../../support/grants.ts';
import { createRefreshWorld } from '../../support/refresh-world.ts';

const row = auditRow({
  pk: 'ORG#acme',
  id: 'x',
  event: 'connection.linked',
  provider: 'quickbooks',
  at: T0,
  startedAt: T0,
});
const connection = quickbooksConnection();
const put = {
  table: 'connections',
  key: { pk: connection.pk, sk: connection.sk },
  when: [],
  op: 'put',
  item: connection,
} as const;
const transaction: Transaction = { token: 'a-token', writes: [put, appendAudit(row)] };

test('a store that is unavailable to the deadline throws, having tried again and again', async () => {
  const { ports, store, clock, counted } = createRefreshWorld();
  store.failNext({ when: 'before', times: 10_000 });
  await expect(persist(ports, transaction, T0 + 5_000)).rejects.toEqual(new GrantkeeperError('unavailable'));
  expect(clock.now()).toBeGreaterThan(T0 + 3_500);
  expect(clock.now()).toBeLessThan(T0 + 5_000);
  expect(counted.length).toBeGreaterThan(5);
});

test('an audit row that is there already does not stop what it tells of', async () => {
  const { ports, store } = createRefreshWorld();
  await store.commit({ token: 'row', writes: [appendAudit(row)] });
  expect(await persist(ports, transaction, T0 + 5_000)).toEqual({ committed: true });
  expect(await store.readConnection('acme', 'quickbooks')).toEqual(connection);
});

test('only the audit row that is there already is left out', async () => {
  const { ports, store } = createRefreshWorld();
  await store.commit({ token: 'row', writes: [appendAudit(row)] });
  const other = { ...row, sk: `${row.sk}-2` };
  const both = { ...transaction, writes: [put, appendAudit(row), appendAudit(other)] };
  expect(await persist(ports, both, T0 + 5_000)).toEqual({ committed: true });
  expect(store.dump().audit).toEqual([row, other]);
});

test('a failed condition is a verdict and is not tried again', async () => {
  const { ports, store, counted } = createRefreshWorld();
  const refused = { ...transaction, writes: [{ ...put, when: [equals(['version'], 9)] }, appendAudit(row)] };
  expect(await persist(ports, refused, T0 + 5_000)).toEqual({ committed: false, failed: [{ index: 0 }] });
  expect([counted, store.dump().audit]).toEqual([[], []]);
});

test('an error that is not the store’s is thrown as it is', async () => {
  const { ports } = createRefreshWorld();
  const fault = new TypeError('a fault of ours');
  await expect(
    persist({ ...ports, store: { commit: () => Promise.reject(fault) } }, transaction, T0 + 5_000),
  ).rejects.toBe(fault);
});

test('callers of one key share one flight, and a failed flight is not remembered', async () => {
  const singleFlight = createSingleFlight();
  let runs = 0;
  const task = async () => {
    runs += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (runs === 1) throw new Error('first');
    return runs;
  };
  const both = await Promise.allSettled([singleFlight('k', task), singleFlight('k', task)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await Promise.all([singleFlight('k', task), singleFlight('other', task)])).toEqual([3, 3]);
});
