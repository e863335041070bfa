import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import type { Change, Records } from '../../../lib/domain/write.ts';
import { heldToken, T0 } from '../grants.ts';
import { COMMITTED, type GetStore, newGrant, outcomeOf, stored, transactionOf, updateGrant } from './helpers.ts';

/** What each kind of change leaves behind, and which are impossible. */
export function changeTests(store: GetStore): void {
  const entry = heldToken('attempt-9', 9, 'late', T0);
  const rows: readonly [string, Partial<LivingGrant>, Change<Records['grants']>, Partial<Records['grants']>][] = [
    ['sets attributes, new and old', {}, { set: { number: 8, notBefore: T0 } }, { number: 8, notBefore: T0 }],
    ['leaves undefined ones alone', {}, { set: { number: 8, generation: undefined } as never }, { number: 8 }],
    ['replaces a whole map', { doubts: { '5': 1 } }, { set: { doubts: { '6': 2 } } }, { doubts: { '6': 2 } }],
    [
      'sets entries of a map',
      { doubts: { '5': 1 } },
      { setEntries: { doubts: { '6': 2 } } },
      { doubts: { '5': 1, '6': 2 } },
    ],
    ['replaces an entry', { doubts: { '5': 1 } }, { setEntries: { doubts: { '5': 2 } } }, { doubts: { '5': 2 } }],
    [
      'sets a record as an entry',
      {},
      { setEntries: { held: { 'attempt-9': entry } } },
      { held: { 'attempt-9': entry } },
    ],
    [
      'removes entries, missing ones too',
      { doubts: { '5': 1, '6': 2 } },
      { removeEntries: { doubts: ['5', '8'] } },
      { doubts: { '6': 2 } },
    ],
    ['keeps a map that runs empty', { doubts: { '5': 1 } }, { removeEntries: { doubts: ['5'] } }, { doubts: {} }],
    [
      'adds members to a set',
      { orgs: new Set(['a']) },
      { addMembers: { orgs: ['b', 'a'] } },
      { orgs: new Set(['a', 'b']) },
    ],
    [
      'removes members, missing ones too',
      { orgs: new Set(['a', 'b']) },
      { removeMembers: { orgs: ['b', 'c'] } },
      { orgs: new Set(['a']) },
    ],
    [
      'adds no members',
      { orgs: new Set(['a']) },
      { addMembers: { orgs: [] }, set: { number: 8 } },
      { orgs: new Set(['a']), number: 8 },
    ],
    [
      'does all of it at once',
      { doubts: { '5': 1, '6': 2 }, orgs: new Set(['a']) },
      {
        set: { number: 8 },
        setEntries: { doubts: { '7': 3 } },
        removeEntries: { doubts: ['5'] },
        addMembers: { orgs: ['b'] },
      },
      { number: 8, doubts: { '6': 2, '7': 3 }, orgs: new Set(['a', 'b']) },
    ],
  ];

  test.for(rows)('%s', async ([, before, change, after]) => {
    const grant = await stored(store(), newGrant(before));
    expect(await store().commit(transactionOf(updateGrant(grant.pk, change)))).toEqual(COMMITTED);
    expect(await store().readGrant(grant.pk)).toEqual({ ...grant, ...after });
  });

  test('removes attributes, missing ones too', async () => {
    const grant = await stored(store());
    await store().commit(transactionOf(updateGrant(grant.pk, { remove: ['lastRefreshedAt', 'notBefore'] })));
    const { lastRefreshedAt: _, ...rest } = grant;
    expect(await store().readGrant(grant.pk)).toEqual(rest);
  });

  test('a set disappears with its last member and comes back with the next', async () => {
    const grant = await stored(store(), newGrant({ orgs: new Set(['a', 'b']) }));
    const { orgs: _, ...rest } = grant;
    await store().commit(transactionOf(updateGrant(grant.pk, { removeMembers: { orgs: ['a', 'b'] } })));
    expect(await store().readGrant(grant.pk)).toEqual(rest);
    await store().commit(transactionOf(updateGrant(grant.pk, { removeMembers: { orgs: ['a'] } })));
    expect(await store().readGrant(grant.pk)).toEqual(rest);
    await store().commit(transactionOf(updateGrant(grant.pk, { addMembers: { orgs: ['c'] } })));
    expect(await store().readGrant(grant.pk)).toEqual({ ...rest, orgs: new Set(['c']) });
  });

  const impossible: readonly [string, Change<Records['grants']>][] = [
    ['an entry of a map that is not there', { setEntries: { rejections: { count: 1 } } }],
    ['the removal of such an entry', { removeEntries: { rejections: ['count'] } }],
    ['an entry of a map the same write sets', { set: { doubts: {} }, setEntries: { doubts: { '6': 2 } } }],
    ['setting and removing one attribute', { set: { number: 8 }, remove: ['number'] }],
    ['setting and removing one entry', { setEntries: { doubts: { '5': 2 } }, removeEntries: { doubts: ['5'] } }],
    ['adding to and removing from one set', { addMembers: { orgs: ['a'] }, removeMembers: { orgs: ['b'] } }],
    ['an empty set', { set: { orgs: new Set() } }],
    ['another key', { set: { pk: 'quickbooks#other' } }],
  ];
  test.for(impossible)('%s is no verdict and changes nothing', async ([, change]) => {
    const grant = await stored(store(), newGrant({ doubts: { '5': 1 } }));
    const transaction = transactionOf(updateGrant(grant.pk, { ...change }));
    expect(await outcomeOf(store().commit(transaction))).toBe('unavailable');
    expect(await store().readGrant(grant.pk)).toEqual(grant);
  });
}
