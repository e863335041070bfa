import { describe, expect, test } from 'vitest';
import { decideCounted, decideObservation, isWorthObserving } from '../../../lib/domain/observe-decision.ts';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import { MINUTE, T0 } from '../../support/grants.ts';

function stateOf(parts: Partial<ProviderState>): ProviderState {
  return { v: 1, pk: 'PROVIDER#xero', provider: 'xero', ...parts };
}

describe('a provider is worth observing', () => {
  test.for<[string, Partial<ProviderState> | undefined, number, boolean]>([
    ['with a suspect, whatever is known', undefined, 1, true],
    ['when it had suspects at the last look', { suspects: 1 }, 0, true],
    ['not when there are none and it was said so', { suspects: 0, observedAt: T0 }, 0, false],
    ['not when there are none and nothing is known', undefined, 0, false],
    ['not for the sake of a circuit', { failing: ['xero#1'] }, 0, false],
  ])('%s', ([, parts, suspects, expected]) => {
    expect(isWorthObserving(parts && stateOf(parts), suspects)).toBe(expected);
  });
});

describe('verdicts are frozen', () => {
  test.for<[string, number | undefined, number, boolean]>([
    ['not by five of a fleet that was never counted', undefined, 5, false],
    ['by six of a fleet that was never counted', undefined, 6, true],
    ['not by five of six', 6, 5, false],
    ['by all of six', 6, 6, true],
    ['by six of 299', 299, 6, true],
    ['not by six of 300, which are 2 %', 300, 6, false],
    ['not by 200 of 10,000', 10_000, 200, false],
    ['by 201 of 10,000', 10_000, 201, true],
    ['not without suspects', 0, 0, false],
  ])('%s', ([, grants, suspects, expected]) => {
    const state = grants === undefined ? undefined : stateOf({ grants });
    expect(decideObservation(state, 'xero', { suspects, rescues: 0, now: T0 }).frozen).toBe(expected);
  });

  test.for<[string, boolean | undefined, number, 'frozen' | 'thawed' | undefined]>([
    ['beginning', undefined, 9, 'frozen'],
    ['beginning again', false, 9, 'frozen'],
    ['going on', true, 9, undefined],
    ['ending', true, 3, 'thawed'],
    ['never having begun', undefined, 3, undefined],
  ])('%s', ([, frozen, suspects, change]) => {
    const state = stateOf({ observedAt: T0 - MINUTE, ...(frozen === undefined ? {} : { frozen }) });
    expect(decideObservation(state, 'xero', { suspects, rescues: 0, now: T0 }).change).toBe(change);
  });
});

describe('the queues are known to be empty', () => {
  const minute = T0 - MINUTE;
  test.for<[string, Partial<ProviderState>, number | undefined, number | undefined]>([
    ['from the first look that finds them so', {}, 0, T0],
    ['from this look when the last found something', { observedAt: minute }, 0, T0],
    ['since then while they stay so', { observedAt: minute, queuesEmptySince: T0 - 9 * MINUTE }, 0, T0 - 9 * MINUTE],
    ['after three minutes still', { observedAt: T0 - 180_000, queuesEmptySince: T0 - 181_000 }, 0, T0 - 181_000],
    ['anew when nobody looked for longer', { observedAt: T0 - 180_001, queuesEmptySince: T0 - 190_000 }, 0, T0],
    ['no longer when something waits', { observedAt: minute, queuesEmptySince: minute }, 1, undefined],
    [
      'no longer when they could not be counted',
      { observedAt: minute, queuesEmptySince: minute },
      undefined,
      undefined,
    ],
  ])('%s', ([, parts, rescues, since]) => {
    const { transaction } = decideObservation(stateOf(parts), 'xero', { suspects: 2, rescues, now: T0 });
    expect(transaction.writes).toEqual([
      {
        table: 'grants',
        key: { pk: 'PROVIDER#xero' },
        when: [
          parts.observedAt === undefined
            ? { path: ['observedAt'], is: 'absent' }
            : { path: ['observedAt'], equals: parts.observedAt },
        ],
        op: 'update',
        set: {
          v: 1,
          provider: 'xero',
          observedAt: T0,
          suspects: 2,
          frozen: false,
          ...(since === undefined ? {} : { queuesEmptySince: since }),
        },
        ...(since === undefined ? { remove: ['queuesEmptySince'] } : {}),
      },
    ]);
  });

  test('two that say different things have different tokens, the same twice one', () => {
    const tokenOf = (suspects: number) =>
      decideObservation(undefined, 'xero', { suspects, rescues: 0, now: T0 }).transaction.token;
    expect(tokenOf(2)).toBe(tokenOf(2));
    expect(tokenOf(2)).not.toBe(tokenOf(3));
  });
});

test('a count of grants is written beside whatever else is known', () => {
  const byStatus = { active: 600, suspect: 10, needs_reauth: 2, closing: 1, closed: 40 };
  expect(decideCounted('xero', { living: 612, byStatus }, T0)).toEqual({
    token: expect.stringMatching(/^.{32}$/),
    writes: [
      {
        table: 'grants',
        key: { pk: 'PROVIDER#xero' },
        when: [],
        op: 'update',
        set: { v: 1, provider: 'xero', grants: 612, grantsByStatus: byStatus, countedAt: T0 },
      },
    ],
  });
});
