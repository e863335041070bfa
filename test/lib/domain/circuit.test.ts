import { describe, expect, test } from 'vitest';
import {
  admits,
  type CircuitDecision,
  decideProbe,
  decideProbed,
  decideSign,
  decideSuccess,
  rampedConcurrency,
  type Sign,
  signOf,
  signOfProbe,
} from '../../../lib/domain/circuit.ts';
import type { TokenOutcome } from '../../../lib/domain/outcome.ts';
import type { OpenCircuit, ProviderState } from '../../../lib/domain/provider-state.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import { MINUTE, T0 } from '../../support/grants.ts';

const POLICY = { failures: 3, resetMs: 60_000 };
const EMPTY: ProviderState = { v: 1, pk: 'PROVIDER#xero', provider: 'xero' };
const OPEN: OpenCircuit = { kind: 'transient', openedAt: T0, probeAt: T0 + MINUTE };

/** The state after one request after the other, `<grant><sign>` or `<grant>throttled<seconds>`; unchanged where nothing is written. */
function stateAfter(told: readonly string[], state: ProviderState | undefined = undefined, now = T0) {
  return told.reduce<ProviderState | undefined>((before, text) => {
    const [, grant = '', word = '', seconds] = /^([a-z]) ([a-z]+)(\d+)?$/.exec(text) ?? [];
    const retryAfterSeconds = seconds === undefined ? undefined : Number(seconds);
    const request = { grant: `xero#${grant}` as const, sign: word as Sign, retryAfterSeconds, now };
    return decideSign(before, 'xero', request, POLICY)?.state ?? before;
  }, state);
}

describe('what an outcome says of the provider', () => {
  const ok: TokenOutcome = {
    kind: 'OK',
    tokens: { accessToken: new Secret('a'), tokenType: 'Bearer', expiresInSeconds: 1800, sentAt: T0 },
  };
  const config = (reason: string): TokenOutcome => ({ kind: 'CONFIG', reason });
  test.for<[TokenOutcome, Sign, Sign]>([
    [ok, 'answered', 'answered'],
    [{ kind: 'REJECTED', reason: 'invalid_grant' }, 'answered', 'answered'],
    [{ kind: 'NOT_SENT', reason: 'connect_refused' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'cut', reason: 'response_timeout' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'http_502' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'http_403' }, 'failed', 'refused'],
    [{ kind: 'UNKNOWN', answer: 'cut', reason: 'http_403' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'probe_accepted' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'temporarily_unavailable' }, 'failed', 'failed'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'invalid_request' }, 'failed', 'refused'],
    [{ kind: 'UNKNOWN', answer: 'complete', reason: 'invalid_grant' }, 'failed', 'refused'],
    [{ kind: 'THROTTLED', reason: 'http_429', retryAfterSeconds: 7 }, 'throttled', 'throttled'],
    [config('invalid_client'), 'misconfigured', 'misconfigured'],
    [config('unauthorized_client'), 'misconfigured', 'misconfigured'],
    [config('wrong_client'), 'refused', 'misconfigured'],
    [config('invalid_scope'), 'refused', 'misconfigured'],
    [config('http_302'), 'refused', 'misconfigured'],
  ])('%j of a refresh is %s, of a probe %s', ([outcome, ofRefresh, ofProbe]) => {
    expect([signOf(outcome), signOfProbe(outcome)]).toEqual([ofRefresh, ofProbe]);
  });
});

describe('counting', () => {
  test.for<[string[], Partial<ProviderState>]>([
    [['a failed'], { circuitVersion: 1, failing: ['xero#a'] }],
    [['a failed', 'a failed', 'a throttled9'], { circuitVersion: 1, failing: ['xero#a'] }],
    [['a failed', 'b failed'], { circuitVersion: 2, failing: ['xero#a', 'xero#b'] }],
    [['a failed', 'b failed', 'b answered'], { circuitVersion: 3 }],
    [['a failed', 'b failed', 'c answered', 'c failed'], { circuitVersion: 4, failing: ['xero#c'] }],
    [['a failed', 'b failed', 'c refused', 'c failed'], { circuitVersion: 4, failing: ['xero#c'] }],
    [['a misconfigured'], { circuitVersion: 1, misconfigured: ['xero#a'] }],
    [['a failed', 'b failed', 'c misconfigured'], { circuitVersion: 3, misconfigured: ['xero#c'] }],
    [['a misconfigured', 'b failed', 'b refused', 'a misconfigured'], { circuitVersion: 3, misconfigured: ['xero#a'] }],
    [['a misconfigured', 'b answered', 'b misconfigured'], { circuitVersion: 3, misconfigured: ['xero#b'] }],
    [['a throttled9'], { circuitVersion: 1, failing: ['xero#a'], throttledUntil: T0 + 9_000 }],
  ])('%j leaves %j', ([told, expected]) => {
    expect(stateAfter(told)).toEqual({ ...EMPTY, ...expected });
  });

  test.for<[string[], Partial<OpenCircuit>]>([
    [['a failed', 'b failed', 'c failed'], { kind: 'transient', probeAt: T0 + 60_000 }],
    [['a failed', 'a failed', 'b throttled600', 'c failed'], { kind: 'transient', probeAt: T0 + 60_000 }],
    [['a failed', 'b failed', 'c throttled'], { kind: 'throttled', probeAt: T0 + 60_000 }],
    [['a failed', 'b failed', 'c throttled10'], { kind: 'throttled', probeAt: T0 + 60_000 }],
    [['a throttled300', 'b failed', 'c throttled90'], { kind: 'throttled', probeAt: T0 + 300_000 }],
    [['a throttled90', 'b throttled300', 'c throttled80'], { kind: 'throttled', probeAt: T0 + 300_000 }],
    [['a failed', 'b failed', 'c throttled3600'], { kind: 'throttled', probeAt: T0 + 900_000 }],
    [['a misconfigured', 'b misconfigured'], { kind: 'config', probeAt: T0 + 60_000 }],
    [['a misconfigured', 'c failed', 'b misconfigured'], { kind: 'config', probeAt: T0 + 60_000 }],
  ])('%j opens %j', ([told, expected]) => {
    expect(stateAfter(told)).toEqual({
      ...EMPTY,
      circuitVersion: expect.any(Number),
      circuit: { openedAt: T0, ...expected },
    });
  });

  test('one grant that always fails never opens it, however often', () => {
    const told = Array.from(
      { length: 50 },
      (_, index) => ['a failed', 'a throttled9', 'a misconfigured'][index % 3] ?? '',
    );
    expect(stateAfter(told)?.circuit).toBeUndefined();
  });

  test('rejections open nothing', () => {
    expect(stateAfter(['a answered', 'b answered', 'c answered', 'd answered'])).toBeUndefined();
  });

  test('while it is open nothing is counted, and an answer that was asked for before does not close it', () => {
    const open: ProviderState = { ...EMPTY, circuitVersion: 4, circuit: OPEN };
    const signs = ['answered', 'refused', 'misconfigured', 'failed', 'throttled'] as const;
    const told = { grant: 'xero#z', retryAfterSeconds: 900, now: T0 + 1 } as const;
    expect(signs.map((sign) => decideSign(open, 'xero', { ...told, sign }, POLICY))).toEqual(
      signs.map(() => undefined),
    );
  });

  test('opening is one write on the version read, which says that it opened', () => {
    const state: ProviderState = {
      ...EMPTY,
      circuitVersion: 2,
      failing: ['xero#a', 'xero#b'],
      throttledUntil: T0,
      closedAt: 5,
    };
    const decision = decideSign(state, 'xero', { grant: 'xero#c', sign: 'failed', now: T0 }, POLICY);
    expect(decision).toEqual({
      change: 'opened',
      state: { ...EMPTY, circuitVersion: 3, circuit: OPEN, closedAt: 5 },
      transaction: {
        token: expect.stringMatching(/^.{32}$/),
        writes: [
          {
            table: 'grants',
            key: { pk: 'PROVIDER#xero' },
            when: [{ path: ['circuitVersion'], equals: 2 }],
            op: 'update',
            set: { v: 1, provider: 'xero', circuitVersion: 3, circuit: OPEN },
            remove: ['failing', 'throttledUntil'],
          },
        ],
      },
    });
  });

  test('the first count makes the item', () => {
    const told = { grant: 'xero#a', sign: 'failed', now: T0 } as const;
    expect(decideSign(undefined, 'xero', told, POLICY)?.transaction.writes).toEqual([
      {
        table: 'grants',
        key: { pk: 'PROVIDER#xero' },
        when: [{ path: ['circuitVersion'], is: 'absent' }],
        op: 'update',
        set: { v: 1, provider: 'xero', circuitVersion: 1, failing: ['xero#a'] },
      },
    ]);
  });
});

describe('admission', () => {
  const open = { ...EMPTY, circuit: OPEN };
  test.for<[ProviderState | undefined, number, unknown]>([
    [undefined, T0, { admitted: true }],
    [{ ...EMPTY, failing: ['xero#a', 'xero#b'], closedAt: T0 }, T0, { admitted: true }],
    [open, T0, { admitted: false, kind: 'transient', retryAt: T0 + 75_000 }],
    [open, T0 + 90_000, { admitted: false, kind: 'transient', retryAt: T0 + 105_000 }],
    [open, T0 + 16 * MINUTE - 1, { admitted: false, kind: 'transient', retryAt: T0 + 16 * MINUTE + 14_999 }],
  ])('%j at %i is %j', ([state, now, expected]) => {
    expect(admits(state, now)).toEqual(expected);
  });

  test('is given again when a probe has been due for a quarter of an hour and nobody came', () => {
    expect(admits(open, T0 + 16 * MINUTE)).toEqual({ admitted: true });
  });
});

describe('a probe', () => {
  const state: ProviderState = { ...EMPTY, circuitVersion: 4, circuit: OPEN };
  const claimed: ProviderState = { ...EMPTY, circuitVersion: 5, circuit: { ...OPEN, probeAt: T0 + 2 * MINUTE } };

  test('is claimed when it is due, by moving the next one on', () => {
    const decision = decideProbe(state, { id: 'p1', now: T0 + MINUTE }, POLICY);
    expect(decision).toEqual({
      state: claimed,
      transaction: {
        token: expect.any(String),
        writes: [
          {
            table: 'grants',
            key: { pk: 'PROVIDER#xero' },
            when: [{ path: ['circuitVersion'], equals: 4 }],
            op: 'update',
            set: { v: 1, provider: 'xero', circuitVersion: 5, circuit: claimed.circuit },
          },
        ],
      },
    });
  });

  test('of two provers at the same instant has two tokens', () => {
    const tokens = ['p1', 'p2'].map((id) => decideProbe(state, { id, now: T0 + MINUTE }, POLICY)?.transaction.token);
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  test('is not claimed before it is due, nor when it is closed', () => {
    const claim = { id: 'p1', now: T0 + MINUTE - 1 };
    expect([decideProbe(state, claim, POLICY), decideProbe(EMPTY, claim, POLICY)]).toEqual([undefined, undefined]);
  });

  const now = T0 + MINUTE + 800;
  const closed: Partial<CircuitDecision> = { change: 'closed', state: { ...EMPTY, circuitVersion: 6, closedAt: now } };
  const turned: Partial<CircuitDecision> = {
    change: 'opened',
    state: { ...EMPTY, circuitVersion: 6, circuit: { kind: 'config', openedAt: T0, probeAt: now + MINUTE } },
  };
  test.for<[OpenCircuit['kind'], Sign, Partial<CircuitDecision> | undefined]>([
    ['transient', 'answered', closed],
    ['throttled', 'answered', closed],
    ['config', 'answered', closed],
    ['transient', 'refused', closed],
    ['throttled', 'refused', closed],
    ['config', 'refused', undefined],
    ['transient', 'misconfigured', turned],
    ['throttled', 'misconfigured', turned],
    ['config', 'misconfigured', undefined],
    ['transient', 'failed', undefined],
    ['throttled', 'failed', undefined],
    ['config', 'failed', undefined],
    ['transient', 'throttled', undefined],
  ])('of kind %s that ends %s leads to %j', ([kind, sign, expected]) => {
    const open = { ...claimed, circuit: { ...OPEN, kind, probeAt: T0 + 2 * MINUTE } };
    const decision = decideProbed(open, { sign, now }, POLICY);
    expect(decision && { change: decision.change, state: decision.state }).toEqual(expected);
  });

  test.for([
    [20, undefined],
    [90, now + 90_000],
    [7200, now + 900_000],
  ] as const)('told to wait %i s is next due at %s', ([retryAfterSeconds, probeAt]) => {
    const decision = decideProbed(claimed, { sign: 'throttled', retryAfterSeconds, now }, POLICY);
    expect(decision?.state).toEqual(
      probeAt === undefined ? undefined : { ...EMPTY, circuitVersion: 6, circuit: { ...OPEN, probeAt } },
    );
  });

  test('that comes after somebody else has closed it changes nothing', () => {
    expect(decideProbed({ ...EMPTY, closedAt: T0 }, { sign: 'answered', now }, POLICY)).toBeUndefined();
  });
});

test.for([
  [undefined, 0, 16],
  [T0, 0, 2],
  [T0, 14_999, 2],
  [T0, 15_000, 4],
  [T0, 30_000, 8],
  [T0, 45_000, 16],
  [T0, 60_000, 16],
  [T0, -5_000, 2],
  [T0, 9e12, 16],
] as const)('closed at %s, %i ms later at most %i of 16 are worked on at once', ([closedAt, passed, expected]) => {
  const state = closedAt === undefined ? EMPTY : { ...EMPTY, closedAt };
  expect(rampedConcurrency(state, 16, T0 + passed)).toBe(expected);
});

describe('the last success', () => {
  const at = (lastSuccessAt: number) => ({ ...EMPTY, lastSuccessAt });
  test.for([
    [undefined, true],
    [at(T0 - 60_000), true],
    [at(T0 - 59_999), false],
    [at(T0), false],
    [at(T0 + 5_000), false],
  ] as const)('known as %j, one sent at T0 is noted: %s', ([state, isNoted]) => {
    expect(decideSuccess(state, 'xero', T0) !== undefined).toBe(isNoted);
  });

  test('is written only over one at least a minute older', () => {
    expect(decideSuccess(undefined, 'xero', T0)?.writes).toEqual([
      {
        table: 'grants',
        key: { pk: 'PROVIDER#xero' },
        when: [
          {
            anyOf: [
              { path: ['lastSuccessAt'], is: 'absent' },
              { path: ['lastSuccessAt'], atMost: T0 - 60_000 },
            ],
          },
        ],
        op: 'update',
        set: { v: 1, provider: 'xero', lastSuccessAt: T0 },
      },
    ]);
  });
});
