import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findLeaks } from '../../../local/demo/leak-scan.ts';
import type { ProbeReport } from '../../../ops/probe-sandbox/report.ts';
import { ACME_REALM, type Bench, BIRCH_TENANT } from '../../local/simulators/harness.ts';
import { CHOICES, goodTokens, probe, startBench } from './world.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

/** Why each experiment that was not done was not. */
function openIn({ results }: ProbeReport): Readonly<Record<string, string>> {
  return Object.fromEntries(
    results.flatMap(({ experiment, notDone }) => (notDone === undefined ? [] : [[experiment.id, notDone]])),
  );
}

/** Ours that is not confirmed, by experiment. */
function doubtsIn({ results }: ProbeReport): readonly string[] {
  return results.flatMap(({ experiment, judged }) =>
    (judged?.ours ?? [])
      .filter(({ verdict }) => verdict !== 'confirmed')
      .map(({ assumption, verdict }) => `${experiment.id}: ${verdict}: ${assumption}`),
  );
}

describe('against the simulators, what is observed is what they are documented to do', () => {
  test.for([
    ['quickbooks', { waitHours: 26, codeAgeMinutes: 9 }],
    ['xero', {}],
  ] as const)(
    '%s: the whole report, without a token in it, and nothing is left that is good',
    async ([provider, options]) => {
      const { text, output, report } = await probe(bench, provider, { options });
      expect(text).toBe(readFileSync(new URL(`reports/${provider}.txt`, import.meta.url), 'utf8'));
      expect(findLeaks([{ name: 'output', text: output }], bench.issuedSecrets())).toEqual([]);
      expect(await goodTokens(bench, provider)).toBe(0);
      expect({ stopped: report.stopped, isInterrupted: report.isInterrupted }).toEqual({
        stopped: undefined,
        isInterrupted: false,
      });
    },
  );
});

describe('what is different is told', () => {
  test('a QuickBooks that changes the value at every use', async () => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'every_call' });
    const { report } = await probe(bench, 'quickbooks');
    expect(doubtsIn(report)).toEqual([
      'same-value: contradicted: rotation.kind periodic: the value does not change at every use (lib/providers/quickbooks.ts)',
    ]);
    expect(await goodTokens(bench, 'quickbooks')).toBe(0);
  });

  test('a QuickBooks that still takes a value it has replaced', async () => {
    await bench.admin(bench.quickbooks, 'config', { rotation: 'daily_with_24h_grace' });
    const { report } = await probe(bench, 'quickbooks', { options: { waitHours: 25 } });
    expect(doubtsIn(report)).toEqual([
      'old-value: contradicted: rotation.graceSeconds 0: a replaced value is not taken any more',
    ]);
  });

  test('a Xero without grace, where a reuse is refused', async () => {
    await bench.admin(bench.xero, 'config', { graceSeconds: 0 });
    const { report } = await probe(bench, 'xero');
    expect(doubtsIn(report)).toEqual([
      'reuse: contradicted: rotation.graceSeconds 1800: a lost answer can be asked for again (lib/providers/xero.ts)',
      'reuse: open: the answer that was lost dies when it is asked for again (local/simulators/refresh-chain.ts)',
    ]);
  });

  test('a code that is dead before it is exchanged', async () => {
    const { report } = await probe(bench, 'quickbooks', { options: { codeAgeMinutes: 11 } });
    const { judged } = report.results.find(({ experiment }) => experiment.id === 'code-age') ?? {};
    expect(judged?.answer).toBe('At 11 min 0 s a code is dead.');
  });
});

describe('a question stays open, with its reason', () => {
  test('what needs waiting is left out unless it is wanted; what needs an authorisation asks for one', async () => {
    const { report, asked } = await probe(bench, 'quickbooks');
    expect(openIn(report)).toEqual({
      rotation: '--wait-hours 26 waits for it',
      'old-value': 'no value was replaced in this run; --wait-hours 26 waits for it',
      'code-age': '--code-age-minutes 9 asks whether it lives that long',
    });
    // The first, the one with a challenge, and one for JSON, because the form has ended both.
    expect(asked.map(({ searchParams }) => searchParams.get('code_challenge_method'))).toEqual([null, 'S256', null]);
  });

  test('nothing that may end the authorisation is done without a yes', async () => {
    const { report } = await probe(bench, 'xero', { world: { mayEnd: async () => false } });
    expect(openIn(report)).toEqual({
      reuse: 'it was not agreed to',
      'grace-end': 'it was not agreed to',
      'last-connection': 'it was not agreed to',
      reauthorise: 'it was not agreed to',
    });
    expect(report.returned).toEqual({ revoked: 1, gone: 0, failed: 0 });
  });

  test('another company the second time, and a refusal the third', async () => {
    const { report } = await probe(bench, 'quickbooks', {
      choose: (asked) => {
        if (asked === 2) return [['decision', 'deny']];
        const company = asked === 0 ? ACME_REALM : '9341453000000002';
        return [
          ['decision', 'allow'],
          ['company', company],
        ];
      },
      options: { codeAgeMinutes: 1 },
    });
    expect(openIn(report)).toMatchObject({
      reauthorise: 'another company was chosen the second time',
      'code-age': 'the provider said access_denied instead of a code',
    });
    expect(report.stopped).toBeUndefined();
    expect(await goodTokens(bench, 'quickbooks')).toBe(0);
  });

  test('two Xero connections: none of them is deleted', async () => {
    const choose = () =>
      [
        ...CHOICES.xero.slice(0, 1),
        ['user', 'accountant'],
        ...CHOICES.xero.slice(2),
        ['tenant', BIRCH_TENANT],
      ] as const;
    const { report } = await probe(bench, 'xero', { choose });
    expect(openIn(report)).toEqual({
      'last-connection': 'the user must have exactly one connection to the app: remove others in Xero, Connected apps',
    });
  });

  test('another Xero user the second time', async () => {
    const choose = (asked: number) =>
      [['decision', 'allow'], ['user', asked === 0 ? 'owner' : 'accountant'], CHOICES.xero[2]] as const;
    const { report } = await probe(bench, 'xero', { choose });
    expect(openIn(report)).toEqual({ reauthorise: 'another user signed in the second time' });
    expect(report.returned).toEqual({ revoked: 2, gone: 0, failed: 0 });
  });
});

test('an hour in which the provider is down says nothing about its values', async () => {
  let hours = 0;
  const pause = async (ms: number) => {
    bench.clock.advance(ms / 1000);
    if (ms < 3_600_000) return;
    hours += 1;
    if (hours === 3) await bench.admin(bench.quickbooks, 'faults', { endpoint: 'token', kind: 'html', status: 503 });
  };
  const { report } = await probe(bench, 'quickbooks', { options: { waitHours: 26 }, world: { pause } });
  const { judged } = report.results.find(({ experiment }) => experiment.id === 'rotation') ?? {};
  expect(judged?.answer).toBe('It changed when the value was between 23 h 0 min and 24 h 0 min old.');
});
