import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Connection } from '../../../lib/domain/connection.ts';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { absent, type Write } from '../../../lib/domain/write.ts';
import { heldToken, refreshToken, T0 } from '../grants.ts';
import { COMMITTED, type GetStore, newGrant, newKey, outcomeOf, records, stored, transactionOf } from './helpers.ts';

/** What is read is what was written, whole. */
export function readTests(store: GetStore): void {
  test('what is not there is undefined', async () => {
    const id = randomUUID();
    expect(await store().readGrant(`xero#${id}`)).toBeUndefined();
    expect(await store().readConnection(id, 'xero')).toBeUndefined();
    expect(await store().readClaim('xero', id)).toBeUndefined();
    expect(await store().readFlow(id)).toBeUndefined();
    expect(await store().readApiKey(id)).toBeUndefined();
    expect(await store().listConnections(id)).toEqual([]);
    expect(await store().listDue(id, T0, 10)).toEqual([]);
  });

  test('a grant comes back whole, with sets, bytes and nested maps', async () => {
    const grant = newGrant({
      orgs: new Set(['acme', 'globex']),
      doubts: { '5': T0 - 9_000 },
      held: { 'attempt-6': heldToken('attempt-6', 6, 'previous', T0) },
      current: { ...refreshToken('attempt-7', 7), ciphertext: Uint8Array.from([0, 255, 128, 7]) },
    });
    await stored(store(), grant);
    const read = await store().readGrant(grant.pk);
    expect(read).toEqual(grant);
    expect(read?.orgs).toBeInstanceOf(Set);
    expect(read?.status === 'active' && read.current.ciphertext).toBeInstanceOf(Uint8Array);
  });

  test('undefined members are not written, at any depth', async () => {
    const grant = newGrant();
    const item = { ...grant, notBefore: undefined, attempt: { ...grant.attempt, outcome: undefined } };
    await stored(store(), item as unknown as LivingGrant);
    const read = await store().readGrant(grant.pk);
    expect(Object.keys(read ?? {})).not.toContain('notBefore');
    expect(Object.keys(read?.attempt ?? {}).toSorted()).toEqual(['id', 'kind', 'number', 'startedAt', 'until']);
  });

  test('connections, claims, flows and keys come back from their tables', async () => {
    const { organizationId, connection, claim, flow, apiKey } = records();
    const written = transactionOf(
      { table: 'connections', key: { pk: connection.pk, sk: connection.sk }, when: [], op: 'put', item: connection },
      { table: 'connections', key: { pk: claim.pk, sk: claim.sk }, when: [], op: 'put', item: claim },
      { table: 'flows', key: { pk: flow.pk }, when: [], op: 'put', item: flow },
      { table: 'apiKeys', key: { pk: apiKey.pk }, when: [], op: 'put', item: apiKey },
    );
    expect(await store().commit(written)).toEqual(COMMITTED);
    expect(await store().readConnection(organizationId, 'quickbooks')).toEqual(connection);
    expect(await store().readClaim('quickbooks', organizationId)).toEqual(claim);
    expect(await store().readFlow(flow.pk)).toEqual(flow);
    expect(await store().readApiKey(apiKey.pk)).toEqual(apiKey);
  });

  test('the connections of an organisation are listed in order of provider, nobody else’s among them', async () => {
    const { organizationId, connection } = records();
    const xero = { ...connection, sk: 'xero', provider: 'xero' } as const;
    const other = { ...connection, pk: `ORG#${organizationId}2`, organizationId: `${organizationId}2` } as const;
    for (const item of [xero, connection, other]) {
      await store().commit(
        transactionOf({ table: 'connections', key: { pk: item.pk, sk: item.sk }, when: [], op: 'put', item }),
      );
    }
    expect(await store().listConnections(organizationId)).toEqual([connection, xero]);
  });

  test('a served read answers connection and grant as far as they are there', async () => {
    const { organizationId, connection } = records();
    const grant = await stored(store());
    const key = { pk: connection.pk, sk: connection.sk };
    await store().commit(transactionOf({ table: 'connections', key, when: [], op: 'put', item: connection }));
    expect(await store().readServed(organizationId, 'quickbooks')).toEqual({ connection });
    expect(await store().readServed(organizationId, 'quickbooks', grant.pk)).toEqual({ connection, grant });
    expect(await store().readServed(organizationId, 'xero', grant.pk)).toEqual({ grant });
    expect(await store().readServed(organizationId, 'xero', newKey())).toEqual({});
  });

  test('a record of another release is told and not handed out, also as an image', async () => {
    const { organizationId, connection } = records();
    const key = { pk: connection.pk, sk: connection.sk };
    const item = { ...connection, v: 2 } as unknown as Connection;
    await store().commit(transactionOf({ table: 'connections', key, when: [], op: 'put', item }));
    expect(await outcomeOf(store().readConnection(organizationId, 'quickbooks'))).toBe('internal_error');
    expect(await outcomeOf(store().readServed(organizationId, 'quickbooks'))).toBe('internal_error');
    expect(await outcomeOf(store().listConnections(organizationId))).toBe('internal_error');
    const check: Write = { table: 'connections', key, when: [absent('pk')], op: 'check' };
    expect(await outcomeOf(store().commit(transactionOf(check)))).toBe('internal_error');
  });

  test('what was given or received may be changed without changing what is stored', async () => {
    const grant = newGrant({ orgs: new Set(['acme']), doubts: { '5': T0 } });
    const given = structuredClone(grant) as LivingGrant & { orgs: Set<string>; doubts: Record<string, number> };
    await stored(store(), given);
    given.orgs.add('intruder');
    given.doubts['6'] = 1;
    given.current.ciphertext.fill(0);
    const received = (await store().readGrant(grant.pk)) as typeof given;
    expect(received).toEqual(grant);
    received.orgs.add('intruder');
    received.current.ciphertext.fill(0);
    expect(await store().readGrant(grant.pk)).toEqual(grant);
  });
}
