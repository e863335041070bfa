import { beforeEach, expect, test } from 'vitest';
import { type ProviderState, providerKey } from '../../../lib/domain/provider-state.ts';
import { absent, atLeast, type Change, type Condition, equals, oneOf, type Write } from '../../../lib/domain/write.ts';
import { T0 } from '../grants.ts';
import { COMMITTED, checkGrant, type GetStore, outcomeOf, stored, transactionOf, updateGrant } from './helpers.ts';

const KEY = { pk: providerKey('xero') };
const STATE: ProviderState = {
  v: 1,
  pk: 'PROVIDER#xero',
  provider: 'xero',
  circuitVersion: 3,
  failing: ['xero#user-1', 'xero#user-2'],
  circuit: { kind: 'transient', openedAt: T0, probeAt: T0 + 60_000 },
  lastSuccessAt: T0 - 1_000,
  observedAt: T0,
  suspects: 7,
  frozen: true,
  grants: 612,
  grantsByStatus: { active: 600, suspect: 7, needs_reauth: 5, closing: 1, closed: 40 },
  countedAt: T0 - 3_600_000,
};

function update(change: Change<ProviderState>, ...when: readonly Condition[]): Write {
  return { table: 'grants', key: KEY, when, op: 'update', ...change };
}

/** The one item beside the grants in their table. */
export function providerTests(store: GetStore): void {
  beforeEach(async () => {
    await store().commit(transactionOf({ table: 'grants', key: KEY, when: [], op: 'delete' }));
  });

  test('is undefined until the first write of any part of it, which creates it', async () => {
    expect(await store().readProvider('xero')).toBeUndefined();
    const first = update({ set: { v: 1, provider: 'xero', lastSuccessAt: T0 } }, absent('lastSuccessAt'));
    expect(await store().commit(transactionOf(first))).toEqual(COMMITTED);
    expect(await store().readProvider('xero')).toEqual({
      v: 1,
      pk: 'PROVIDER#xero',
      provider: 'xero',
      lastSuccessAt: T0,
    });
  });

  test('comes back whole, each provider its own', async () => {
    await store().commit(transactionOf({ table: 'grants', key: KEY, when: [], op: 'put', item: STATE }));
    expect(await store().readProvider('xero')).toEqual(STATE);
    expect(await store().readProvider('quickbooks')).toBeUndefined();
  });

  test('its parts are written one by one', async () => {
    await store().commit(transactionOf({ table: 'grants', key: KEY, when: [], op: 'put', item: STATE }));
    const closed = update({ set: { circuitVersion: 4, closedAt: T0 }, remove: ['circuit', 'failing'] });
    expect(await store().commit(transactionOf(closed))).toEqual(COMMITTED);
    const { circuit: _, failing: __, ...rest } = STATE;
    expect(await store().readProvider('xero')).toEqual({ ...rest, circuitVersion: 4, closedAt: T0 });
  });

  test('a check of it decides over a write to a grant, with its image', async () => {
    await store().commit(transactionOf({ table: 'grants', key: KEY, when: [], op: 'put', item: STATE }));
    const grant = await stored(store());
    const given = (...when: readonly Condition[]) =>
      store().commit(
        transactionOf(updateGrant(grant.pk, { set: { status: 'needs_reauth' } }, equals(['number'], 7)), {
          table: 'grants',
          key: KEY,
          when,
          op: 'check',
        }),
      );
    expect(await given(oneOf(['frozen'], [false]), atLeast(['observedAt'], T0))).toEqual({
      committed: false,
      failed: [{ index: 1, image: STATE }],
    });
    expect((await store().readGrant(grant.pk))?.status).toBe('active');
    expect(await given(equals(['frozen'], true), atLeast(['observedAt'], T0))).toEqual(COMMITTED);
    expect((await store().readGrant(grant.pk))?.status).toBe('needs_reauth');
  });

  test('one of another release is told and not handed out', async () => {
    await store().commit(transactionOf(update({ set: { v: 2 as 1, suspects: 1 } })));
    expect(await outcomeOf(store().readProvider('xero'))).toBe('internal_error');
    expect(await outcomeOf(store().commit(transactionOf(checkGrant('xero#other', absent('pk')))))).toEqual(COMMITTED);
    await store().commit(transactionOf({ table: 'grants', key: KEY, when: [], op: 'delete' }));
  });
}
