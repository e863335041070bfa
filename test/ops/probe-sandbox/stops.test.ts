import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { findLeaks } from '../../../local/demo/leak-scan.ts';
import type { Bench } from '../../local/simulators/harness.ts';
import { CHOICES, goodTokens, probe, type Run, startBench } from './world.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

/** How it ended, and how many questions it came to. */
function endOf({ report }: Run) {
  const { stopped, returned, results, requests, hasLostTokens } = report;
  return { stopped, returned, questions: results.length, requests, hasLostTokens };
}

const NOTHING = { revoked: 0, gone: 0, failed: 0 };

describe('the probe stops', () => {
  test('when the keys are refused, before anybody is asked for anything', async () => {
    const client = { clientId: 'developer-at-intuit', clientSecret: new Secret('of somebody else') };
    const run = await probe(bench, 'quickbooks', { world: { client } });
    expect(run.asked).toEqual([]);
    expect(endOf(run)).toEqual({
      stopped: 'the keys are refused (invalid_client): are they the Development keys of this provider?',
      returned: NOTHING,
      questions: 1,
      requests: 2,
      hasLostTokens: false,
    });
  });

  test('when the first authorisation is refused', async () => {
    const run = await probe(bench, 'xero', { choose: () => [['decision', 'deny']] });
    expect(endOf(run)).toEqual({
      stopped: 'the provider said access_denied instead of a code',
      returned: NOTHING,
      questions: 1,
      requests: 2,
      hasLostTokens: false,
    });
  });

  test('when nobody agrees within the time', async () => {
    const run = await probe(bench, 'xero', { choose: () => undefined, world: { consentMs: 30 } });
    expect(endOf(run).stopped).toBe('nobody agreed within the time');
  });

  test('at the company of a production app, and leaves its authorisation alone', async () => {
    await bench.admin(bench.quickbooks, 'faults', { endpoint: 'api', kind: 'error_json', status: 403, error: '3100' });
    const run = await probe(bench, 'quickbooks');
    expect(endOf(run)).toEqual({
      stopped: 'the sandbox API says 403 fault 3100 to this company',
      returned: 'kept',
      questions: 1,
      requests: 4,
      hasLostTokens: false,
    });
    expect(run.text).toContain('Nothing was revoked, because that could end a connection that is in use');
    expect(await goodTokens(bench, 'quickbooks')).toBe(1);
  });

  test('at an organisation of Xero that is no demo company, even the second time', async () => {
    const fault = { endpoint: 'api', kind: 'error_json', status: 403, error: 'AuthenticationUnsuccessful' };
    const choose = (asked: number) => {
      if (asked === 1) void bench.admin(bench.xero, 'faults', fault);
      return CHOICES.xero;
    };
    const { report } = await probe(bench, 'xero', { choose });
    expect([report.stopped, report.returned]).toEqual(['a connected organisation is no demo company (403)', 'kept']);
    expect(report.results.at(-1)).toMatchObject({ notDone: 'a connected organisation is no demo company (403)' });
  });

  test('on Ctrl-C, also while it waits for hours, and gives back what it has', async () => {
    const stop = new AbortController();
    const pause = async (ms: number, signal?: AbortSignal) => {
      if (ms >= 3_600_000) stop.abort();
      signal?.throwIfAborted();
      bench.clock.advance(ms / 1000);
    };
    const run = await probe(bench, 'quickbooks', {
      options: { waitHours: 26 },
      world: { signal: stop.signal, pause },
    });
    expect(run.report.isInterrupted).toBe(true);
    expect(endOf(run)).toMatchObject({ stopped: 'interrupted', questions: 4, returned: { ...NOTHING, revoked: 1 } });
    expect(await goodTokens(bench, 'quickbooks')).toBe(0);
  });

  test('on Ctrl-C while somebody is asked', async () => {
    const stop = new AbortController();
    const choose = (asked: number) => {
      if (asked === 0) return CHOICES.quickbooks;
      stop.abort();
      return undefined;
    };
    const run = await probe(bench, 'quickbooks', { choose, world: { signal: stop.signal } });
    expect(endOf(run)).toMatchObject({ stopped: 'interrupted', returned: { ...NOTHING, revoked: 1 } });
    expect(await goodTokens(bench, 'quickbooks')).toBe(0);
  });

  test('when the port of the callback is taken, on either address of localhost', async () => {
    const server = createServer().listen(0, '::1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(probe(bench, 'xero', { world: { port } })).rejects.toThrow(
      `port ${port} of this machine cannot be used (EADDRINUSE): give another by --port`,
    );
    server.close();
  });
});

describe('what was obtained is given back', () => {
  test('although an answer was lost, and the report says that something may be left', async () => {
    const choose = (asked: number) => {
      if (asked === 1)
        void bench.admin(bench.quickbooks, 'faults', { endpoint: 'token', kind: 'drop_after_commit', times: 2 });
      return CHOICES.quickbooks;
    };
    const run = await probe(bench, 'quickbooks', { choose });
    const { steps = [], notDone } = run.report.results.find(({ experiment }) => experiment.id === 'reauthorise') ?? {};
    expect(notDone).toBe('the second code could not be exchanged');
    expect(steps.map(({ step, seen }) => [step, seen.failure])).toEqual([
      ['exchange without verifier', 'connection_reset'],
      ['exchange with verifier', 'connection_reset'],
    ]);
    expect(run.report.hasLostTokens).toBe(true);
    expect(run.text).toContain('Something may be left at the provider: remove the app’s access there');
    expect(findLeaks([{ name: 'output', text: run.output }], bench.issuedSecrets())).toEqual([]);
  });

  test('at the second attempt when the first fails', async () => {
    const mayEnd = async () => {
      await bench.admin(bench.xero, 'faults', { endpoint: 'revoke', kind: 'html', status: 503 });
      return false;
    };
    const run = await probe(bench, 'xero', { world: { mayEnd } });
    expect(run.report.returned).toEqual({ ...NOTHING, revoked: 1 });
  });

  test('and it is told when that did not work', async () => {
    const mayEnd = async () => {
      await bench.admin(bench.xero, 'faults', { endpoint: 'revoke', kind: 'html', status: 503, times: 2 });
      return false;
    };
    const run = await probe(bench, 'xero', { world: { mayEnd } });
    expect(run.report.returned).toEqual({ ...NOTHING, failed: 1 });
    expect(run.text).toContain('Something may be left at the provider');
  });
});
