import { expect, test } from 'vitest';
import type { ApiKey } from '../../../lib/domain/api-key.ts';
import { type AuditEvent, auditRow } from '../../../lib/domain/audit.ts';
import type { Connection } from '../../../lib/domain/connection.ts';
import type { Flow } from '../../../lib/domain/flow.ts';
import type { Grant, GrantKey } from '../../../lib/domain/grant.ts';
import { appendAudit, type Write } from '../../../lib/domain/write.ts';
import { type ErasePorts, erase, surveyErasure } from '../../../lib/service/erase.ts';
import { createPolicies } from '../../../lib/service/policies.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { MINUTE, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

const SHA256_OF_ACME = '822b33ad87c148a0a20a5ba7cd5ebcaa68d36a18e7aad165554903f52ca82757';
const QUICKBOOKS = quickbooksConnection();
const XERO = quickbooksConnection({
  sk: 'xero',
  provider: 'xero',
  grant: 'xero#user-1',
  tenantId: 't-1',
  linkId: 'link-x',
  providerConnectionId: 'conn-1',
});
const BIRCH: Connection = { ...XERO, pk: 'ORG#birch', organizationId: 'birch', tenantId: 't-2', linkId: 'link-b' };
const SHARED = xeroGrant({ orgs: new Set(['acme', 'birch']) });
const key = (pk: string, organizations: ApiKey['organizations']): ApiKey => ({
  v: 1,
  pk,
  secretHash: 'x',
  name: pk,
  scopes: ['tokens:read'],
  organizations,
  createdAt: T0,
});

/** acme with its own QuickBooks grant and a Xero grant that it shares with birch. */
async function given() {
  const clock = createFakeClock({ startAt: T0, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  let commits = 0;
  const commit = (...writes: Write[]) => store.commit({ token: `given-${++commits}`, writes });
  const put = (connection: Connection) =>
    commit({
      table: 'connections',
      key: { pk: connection.pk, sk: connection.sk },
      when: [],
      op: 'put',
      item: connection,
    });
  for (const connection of [QUICKBOOKS, XERO, BIRCH]) await put(connection);
  for (const item of [quickbooksGrant(), SHARED]) {
    await commit({ table: 'grants', key: { pk: item.pk }, when: [], op: 'put', item });
  }
  for (const item of [
    key('own', ['acme']),
    key('shared', ['acme', 'birch']),
    key('all', '*'),
    key('other', ['birch']),
  ]) {
    await commit({ table: 'apiKeys', key: { pk: item.pk }, when: [], op: 'put', item });
  }
  for (const [pk, organizationId] of [
    ['flow-1', 'acme'],
    ['flow-2', 'birch'],
  ] as const) {
    await commit({
      table: 'flows',
      key: { pk },
      when: [],
      op: 'put',
      item: { v: 1, pk, organizationId, provider: 'xero' } as Flow,
    });
  }
  const row = (pk: `ORG#${string}` | `GRANT#${GrantKey}`, event: AuditEvent, organizationId?: string) => {
    const provider = pk.includes('xero') ? 'xero' : 'quickbooks';
    const id = `id-${commits}`;
    const known = { pk, id, event, provider, at: T0, startedAt: T0 } as const;
    return commit(appendAudit(auditRow(organizationId === undefined ? known : { ...known, organizationId })));
  };
  await row('ORG#acme', 'connection.linked', 'acme');
  await row('ORG#birch', 'connection.linked', 'birch');
  await row('GRANT#quickbooks#9341453', 'grant.banked', 'acme');
  await row('GRANT#xero#user-1', 'grant.banked', 'acme');
  await row('GRANT#xero#user-1', 'attempt.ok');
  const ports = portsOf(store, clock);
  const run = (waitMs = 0) => erase(ports, 'acme', { waitUntil: clock.now() + waitMs, onProgress: () => undefined });
  /** What the sweep does with what acme owes. */
  async function sweep() {
    const {
      current: _,
      access: __,
      orgs: ___,
      ...closing
    } = (await store.readGrant('quickbooks#9341453')) as ReturnType<typeof quickbooksGrant>;
    const closed = { ...closing, status: 'closed', attempt: undefined } as unknown as Grant;
    await commit({ table: 'grants', key: { pk: closed.pk }, when: [], op: 'put', item: closed as never });
    await commit({
      table: 'grants',
      key: { pk: 'xero#user-1' },
      when: [],
      op: 'update',
      removeEntries: { detach: ['conn-1'] },
    });
  }
  return { clock, store, ports, run, sweep, commit };
}

function portsOf(
  store: ReturnType<typeof createMemoryStore>,
  clock: ErasePorts['clock'],
): ErasePorts & { rescues: number } {
  const nothing = () => undefined;
  const all = <T>(table: 'connections' | 'flows' | 'apiKeys') => store.dump()[table] as unknown as readonly T[];
  const ports = {
    ...{ store, clock, policies: createPolicies(), count: nothing, log: nothing, rescues: 0 },
    countRescues: async () => ports.rescues,
    connectionsOn: async (grants: readonly GrantKey[]) =>
      all<Connection>('connections').filter(({ grant }) => grants.includes(grant)),
    flowsOf: async (id: string) => all<Flow>('flows').filter(({ organizationId }) => organizationId === id),
    keysOf: async (id: string) => all<ApiKey>('apiKeys').filter(({ organizations }) => organizations.includes(id)),
  };
  return ports;
}

const SURVEY = {
  connections: 2,
  held: 2,
  ownGrants: ['quickbooks#9341453'],
  sharedGrants: ['xero#user-1'],
  flows: 1,
  auditRows: 1,
  endingKeys: 1,
  sharedKeys: 1,
};

/** Every item that mentions the text. */
function naming(store: ReturnType<typeof createMemoryStore>, text: string): string[] {
  const plain = (_: string, value: unknown) =>
    value instanceof Set ? [...value] : ArrayBuffer.isView(value) ? '' : value;
  return Object.values(store.dump())
    .flat()
    .filter((item) => JSON.stringify(item, plain).includes(text))
    .map(({ pk, sk }) => `${String(pk)} ${String(sk ?? '')}`.trim());
}

test('a survey counts and writes nothing', async () => {
  const { ports, store } = await given();
  const before = store.dump();
  expect(await surveyErasure(ports, 'acme')).toEqual(SURVEY);
  expect(store.dump()).toEqual(before);
});

test('the first run ends and forgets what it may, and says what it waits for', async () => {
  const { run, store } = await given();
  expect(await run()).toEqual({
    ...SURVEY,
    failed: [],
    waiting: [
      { provider: 'quickbooks', grant: 'quickbooks#9341453', why: 'revoke' },
      { provider: 'xero', grant: 'xero#user-1', why: 'detach' },
    ],
    complete: false,
  });
  const { apiKeys, flows } = store.dump();
  expect(apiKeys.map(({ pk, organizations, revokedAt }) => [pk, organizations, revokedAt])).toEqual([
    ['all', '*', undefined],
    ['other', ['birch'], undefined],
    ['own', [], T0],
    ['shared', ['birch'], undefined],
  ]);
  expect(flows.map(({ pk }) => pk)).toEqual(['flow-2']);
  // The connections lead a later run to what is left.
  expect((await store.listConnections('acme')).map(({ status }) => status)).toEqual(['disconnected', 'disconnected']);
});

test('when the provider has been told, the rest goes; others keep theirs, and one row per system says that it happened', async () => {
  const { run, sweep, store } = await given();
  await run();
  await sweep();
  expect(await run()).toMatchObject({ waiting: [], failed: [], complete: true });
  expect(naming(store, 'acme')).toEqual([]);
  expect(naming(store, '9341453')).toEqual([]);
  const { audit, grants, connections } = store.dump();
  expect(grants.map(({ pk }) => pk)).toEqual(['xero#user-1']);
  expect(connections.map(({ pk }) => pk)).toEqual(['ORG#birch']);
  const erased = audit.filter(({ event }) => event === 'organization.erased');
  expect(erased.map(({ pk, provider, actor }) => [pk, provider, actor])).toEqual([
    [`ORG#${SHA256_OF_ACME}`, 'quickbooks', 'operator'],
    [`ORG#${SHA256_OF_ACME}`, 'xero', 'operator'],
  ]);
  // The shared grant's own history stays, without the name.
  const shared = audit.filter(({ pk }) => pk === 'GRANT#xero#user-1');
  expect(shared.map(({ event, organizationId }) => [event, organizationId])).toEqual([
    ['grant.banked', undefined],
    ['attempt.ok', undefined],
  ]);
});

test('with patience it waits for the sweep itself', async () => {
  const { run, sweep, store, clock } = await given();
  const stop = store.onCommit({
    async after(transaction) {
      if (!JSON.stringify(transaction).includes('"own"')) return;
      stop();
      await sweep();
    },
  });
  expect((await run(10 * MINUTE)).complete).toBe(true);
  expect(clock.now() - T0).toBeLessThan(MINUTE);
});

test('a grant is not forgotten while tokens wait to be rescued, or while somebody works on it', async () => {
  const { run, sweep, ports, commit, clock } = await given();
  await run();
  await sweep();
  ports.rescues = 1;
  const waiting = [{ provider: 'quickbooks', grant: 'quickbooks#9341453', why: 'rescue_queue' }];
  expect(await run()).toMatchObject({ waiting, complete: false });
  ports.rescues = 0;
  const attempt = {
    number: 8,
    id: 'a8',
    kind: 'revoke',
    startedAt: T0,
    until: clock.now() + 1,
    outcome: 'OK',
  } as const;
  await commit({ table: 'grants', key: { pk: 'quickbooks#9341453' }, when: [], op: 'update', set: { attempt } });
  expect(await run()).toMatchObject({ waiting: [{ why: 'at_work' }], complete: false });
  await clock.sleep(1);
  expect((await run()).complete).toBe(true);
});

test('an organisation that has connected again meanwhile keeps its connection', async () => {
  const { run, sweep, store, commit } = await given();
  await run();
  await sweep();
  const stop = store.onCommit({
    async before(transaction) {
      if (!transaction.writes.some(({ table, op }) => table === 'connections' && op === 'delete')) return;
      stop();
      const again = { status: 'connected', version: 9 } as const;
      await commit({
        table: 'connections',
        key: { pk: 'ORG#acme', sk: 'quickbooks' },
        when: [],
        op: 'update',
        set: again,
      });
    },
  });
  expect(await run()).toMatchObject({ waiting: [{ provider: 'quickbooks', why: 'changed' }], complete: false });
  expect((await store.readConnection('acme', 'quickbooks'))?.status).toBe('connected');
});

test('a grant that another organisation once had is shared', async () => {
  const { ports, commit } = await given();
  const known = { id: 'y', event: 'grant.closing', provider: 'quickbooks', at: T0, startedAt: T0 } as const;
  await commit(appendAudit(auditRow({ ...known, pk: 'GRANT#quickbooks#9341453', organizationId: 'cedar' })));
  expect(await surveyErasure(ports, 'acme')).toMatchObject({
    ownGrants: [],
    sharedGrants: ['quickbooks#9341453', 'xero#user-1'],
  });
});

test('a thorough erasure takes the name off rows that no connection leads to', async () => {
  const { ports, run, sweep, commit, store } = await given();
  const known = { id: 'z', event: 'grant.banked', provider: 'xero', at: T0, startedAt: T0 } as const;
  const row = auditRow({ ...known, pk: 'GRANT#xero#former', organizationId: 'acme' });
  await commit(appendAudit(row));
  async function* rowsNaming() {
    yield [row];
  }
  Object.assign(ports, { rowsNaming });
  await run();
  await sweep();
  expect((await run()).complete).toBe(true);
  expect(naming(store, 'acme')).toEqual([]);
  expect(naming(store, 'xero#former')).toHaveLength(1);
});
