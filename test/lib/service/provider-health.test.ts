import { describe, expect, test } from 'vitest';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import { admission } from '../../../lib/service/provider-health.ts';
import { MINUTE, T0 } from '../../support/grants.ts';
import { createFleet, ok, REFUSAL, REFUSED, REJECTED } from './health-fleet.ts';

describe('the circuit', () => {
  test('opens for all processes when three grants fail one after the other, and says so once', async () => {
    const { process, state, open, seen, clock } = createFleet();
    const other = process();
    await open();
    const openedAt = (await state())?.circuit?.openedAt ?? 0;
    expect(await state()).toEqual({
      v: 1,
      pk: 'PROVIDER#xero',
      provider: 'xero',
      circuitVersion: 3,
      circuit: { kind: 'transient', openedAt, probeAt: openedAt + MINUTE },
    });
    expect(await admission(other, 'xero')).toEqual({ ...REFUSAL, retryAt: openedAt + 75_000 });
    expect(await admission(other, 'quickbooks')).toEqual({ admitted: true });
    expect(seen.logged).toEqual([
      `warn circuit opened {"provider":"xero","kind":"transient","reason":"response_timeout","retryAt":${openedAt + MINUTE}}`,
    ]);
    expect(clock.now() - T0).toBeLessThan(1_000);
    expect(seen.emitted).toEqual([{ type: 'Circuit Opened', at: openedAt, provider: 'xero', reason: 'transient' }]);
  });

  test('is not opened by one grant, which costs one write for all its failures', async () => {
    const { process, state, fail, seen } = createFleet();
    const ports = process();
    for (let times = 0; times < 50; times += 1) await fail(ports, 'poison');
    expect((await state())?.failing).toEqual(['xero#poison']);
    expect(seen.commits).toBe(1);
  });

  test('opens as config, loudly, when our client is refused for two grants', async () => {
    const { process, fail, seen, state } = createFleet();
    await fail(process(), 'a', REFUSED);
    await fail(process(), 'b', REFUSED);
    expect((await state())?.circuit?.kind).toBe('config');
    expect(seen.logged).toEqual([expect.stringMatching(/^error circuit opened {"provider":"xero","kind":"config"/)]);
  });

  test('is not closed by answers that were asked for before it opened', async () => {
    const { process, fail, open, state, clock } = createFleet();
    await open();
    await fail(process(), 'd', ok(T0 - 3_000));
    await fail(process(), 'e', REJECTED);
    expect((await state())?.circuit?.kind).toBe('transient');
    expect((await state())?.lastSuccessAt).toBe(T0 - 3_000);
    expect(await admission(process(), 'xero')).toMatchObject(REFUSAL);
    expect(clock.now()).toBeLessThan(T0 + MINUTE);
  });

  test('counts every one of many that fail at once, until it opens', async () => {
    const { process, fail, state, seen } = createFleet({ autoAdvance: false });
    const ports = process();
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((grant) => fail(ports, grant)));
    expect((await state())?.circuit?.kind).toBe('transient');
    expect([seen.logged.length, seen.emitted.length]).toEqual([1, 1]);
  });
});

describe('a healthy fleet', () => {
  test('hears within five seconds what others found', async () => {
    const { process, open, clock } = createFleet({ autoAdvance: false });
    const ports = process();
    expect(await admission(ports, 'xero')).toEqual({ admitted: true });
    await open();
    await clock.advance(4_999);
    expect(await admission(ports, 'xero')).toEqual({ admitted: true });
    await clock.advance(1);
    expect(await admission(ports, 'xero')).toMatchObject(REFUSAL);
  });

  test('takes no time over what is known already', async () => {
    const { process, fail, clock, seen } = createFleet();
    const ports = process();
    await fail(ports, 'a', ok(T0));
    const [now, reads] = [clock.now(), seen.reads];
    await fail(ports, 'b', ok(T0 + 1_000));
    expect([clock.now(), seen.reads, seen.commits]).toEqual([now, reads, 1]);
  });

  test('writes once a minute and reads every five seconds', async () => {
    const { process, fail, seen, clock, state } = createFleet({ autoAdvance: false });
    const ports = process();
    for (let second = 0; second < 120; second += 1) {
      expect(await admission(ports, 'xero')).toEqual({ admitted: true });
      await fail(ports, `g${second}`, ok(clock.now()));
      await clock.advance(1_000);
    }
    expect((await state())?.lastSuccessAt).toBe(T0 + MINUTE);
    expect(seen.commits).toBe(2);
    expect(seen.reads).toBeLessThanOrEqual(26);
  });

  test('clears the count of a failure with one write, and knows only the time a success was sent', async () => {
    const { process, fail, state } = createFleet();
    const ports = process();
    await fail(ports, 'a');
    await fail(ports, 'b', ok(T0 - 500));
    await fail(ports, 'c', ok(T0 - 90_000));
    const { lastSuccessAt, circuitVersion, failing } = (await state()) ?? {};
    expect({ lastSuccessAt, circuitVersion, failing }).toEqual({
      lastSuccessAt: T0 - 500,
      circuitVersion: 2,
      failing: undefined,
    });
  });
});

describe('bookkeeping', () => {
  test('that others overtake is decided again on what they left', async () => {
    const { process, fail, memory, state } = createFleet();
    const others = process();
    await fail(others, 'a');
    let isFirst = true;
    const stop = memory.onCommit({
      async before() {
        if (!isFirst) return;
        isFirst = false;
        await fail(others, 'b');
      },
    });
    await fail(process(), 'c');
    stop();
    expect((await state())?.circuit?.kind).toBe('transient');
  });

  test('gives up silently after three decisions', async () => {
    const { process, fail, memory, store, seen, state } = createFleet();
    let version = 10;
    memory.onCommit({
      async before({ token }) {
        if (token.startsWith('other')) return;
        version += 1;
        const item: ProviderState = { v: 1, pk: 'PROVIDER#xero', provider: 'xero', circuitVersion: version };
        await memory.commit({
          token: `other-${version}`,
          writes: [{ table: 'grants', key: { pk: 'PROVIDER#xero' }, when: [], op: 'put', item }],
        });
      },
    });
    await expect(fail({ ...process(), store }, 'a')).resolves.toBeUndefined();
    expect([seen.commits, (await state())?.failing, seen.logged]).toEqual([3, undefined, []]);
  });

  test('that cannot be read or written ends within two seconds, and admits', async () => {
    const { process, fail, memory, clock } = createFleet();
    memory.failNext({ when: 'before', operation: 'read', times: 1_000 });
    memory.failNext({ when: 'before', times: 1_000 });
    await fail(process(), 'a');
    expect(await admission(process(), 'xero')).toEqual({ admitted: true });
    expect(clock.now()).toBeLessThanOrEqual(T0 + 2_100);
  });

  test('that never ends is left alone after two seconds', async () => {
    const { process, fail, store, clock } = createFleet({ autoAdvance: false });
    const ports = { ...process(), store: { ...store, commit: () => new Promise<never>(() => {}) } };
    let isOver = false;
    const noted = fail(ports, 'a').then(() => {
      isOver = true;
    });
    await clock.advance(1_900);
    expect(isOver).toBe(false);
    await clock.advance(100);
    await noted;
    expect(clock.now()).toBe(T0 + 2_000);
  });

  test('whose answer was lost is not counted twice', async () => {
    const { process, fail, memory, state } = createFleet();
    memory.failNext({ when: 'after' });
    await fail(process(), 'a');
    expect(await state()).toMatchObject({ circuitVersion: 1, failing: ['xero#a'] });
  });
});
