import { describe, expect, test } from 'vitest';
import { admission, probeIfDue } from '../../../lib/service/provider-health.ts';
import { MINUTE, T0 } from '../../support/grants.ts';
import { createFleet, REFUSAL, REFUSED, REJECTED } from './health-fleet.ts';

describe('a probe', () => {
  test('is sent only to a provider whose circuit is open, and only when it is due', async () => {
    const { process, open, seen, clock } = createFleet();
    expect(await probeIfDue(process(), 'xero')).toEqual({ admitted: true });
    await open();
    expect(await probeIfDue(process(), 'xero')).toMatchObject(REFUSAL);
    await clock.advance(MINUTE - 1_000);
    expect(await probeIfDue(process(), 'xero')).toMatchObject(REFUSAL);
    expect(seen.probed).toEqual([]);
  });

  test('with the secret of now that is rejected closes the circuit for all', async () => {
    const { process, open, seen, clock, state } = createFleet();
    await open();
    await clock.advance(MINUTE);
    expect(await probeIfDue(process(), 'xero')).toEqual({ admitted: true });
    expect(await admission(process(), 'xero')).toEqual({ admitted: true });
    expect(seen.probed).toEqual(['xero client of sandbox, fresh secret-1']);
    expect(await state()).toEqual({
      v: 1,
      pk: 'PROVIDER#xero',
      provider: 'xero',
      circuitVersion: 5,
      closedAt: clock.now(),
    });
    expect(seen.logged[1]).toBe('info circuit closed {"provider":"xero","kind":"transient","reason":"invalid_grant"}');
    expect(seen.emitted.slice(1)).toEqual([
      { type: 'Circuit Closed', at: clock.now(), provider: 'xero', reason: 'transient' },
    ]);
  });

  test('of two sweeps at the same instant is sent by one', async () => {
    const { process, open, seen, clock } = createFleet();
    await open();
    await clock.advance(MINUTE);
    await Promise.all([probeIfDue(process(), 'xero'), probeIfDue(process(), 'xero'), probeIfDue(process(), 'xero')]);
    expect(seen.probed.length).toBe(1);
  });

  test('whose prober died costs one minute', async () => {
    const { process, open, script, seen, clock } = createFleet({ autoAdvance: false });
    await open();
    await clock.advance(MINUTE);
    script.probe = () => new Promise<never>(() => {});
    void probeIfDue(process(), 'xero');
    await clock.advance(0);
    await clock.advance(MINUTE - 1);
    expect(await probeIfDue(process(), 'xero')).toMatchObject(REFUSAL);
    expect(seen.probed.length).toBe(1);
    script.probe = async () => REJECTED;
    await clock.advance(1);
    expect(await probeIfDue(process(), 'xero')).toEqual({ admitted: true });
  });

  test('that finds our client refused makes it a matter of configuration, until it is accepted', async () => {
    const { process, open, script, seen, clock, state } = createFleet();
    await open();
    await clock.advance(MINUTE);
    script.probe = async () => REFUSED;
    expect(await probeIfDue(process(), 'xero')).toMatchObject({ admitted: false, kind: 'config' });
    await clock.advance(MINUTE);
    expect(await probeIfDue(process(), 'xero')).toMatchObject({ admitted: false, kind: 'config' });
    expect(seen.logged.slice(1)).toEqual([
      expect.stringMatching(/^error circuit opened {"provider":"xero","kind":"config","reason":"invalid_client"/),
    ]);
    expect(seen.emitted.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'Circuit Opened transient',
      'Circuit Opened config',
    ]);
    script.probe = async () => REJECTED;
    await clock.advance(MINUTE);
    expect(await probeIfDue(process(), 'xero')).toEqual({ admitted: true });
    expect((await state())?.circuit).toBeUndefined();
  });

  test('that cannot be armed leaves it open and says why', async () => {
    const { process, open, script, seen, clock } = createFleet();
    await open();
    await clock.advance(MINUTE);
    script.secret = () => Promise.reject(new Error('no secrets'));
    expect(await probeIfDue(process(), 'xero')).toMatchObject(REFUSAL);
    expect(seen.logged[1]).toBe('error provider could not be probed {"provider":"xero","reason":"secret_unavailable"}');
  });

  test('that is not answered leaves it open for another minute', async () => {
    const { process, open, script, clock, state } = createFleet();
    await open();
    await clock.advance(MINUTE);
    const now = clock.now();
    script.probe = async () => ({ kind: 'NOT_SENT', reason: 'connect_refused' });
    expect(await probeIfDue(process(), 'xero')).toEqual({ ...REFUSAL, retryAt: now + 75_000 });
    expect((await state())?.circuit?.probeAt).toBe(now + MINUTE);
  });

  test('that is answered after others closed and opened it does not close what they opened', async () => {
    const { process, open, script, clock, state } = createFleet();
    await open();
    await clock.advance(MINUTE);
    script.probe = async () => {
      script.probe = async () => REJECTED;
      await clock.advance(MINUTE);
      await probeIfDue(process(), 'xero');
      await clock.advance(MINUTE);
      await open();
      return REJECTED;
    };
    expect(await probeIfDue(process(), 'xero')).toMatchObject(REFUSAL);
    expect((await state())?.circuit?.openedAt).toBeGreaterThan(T0 + 3 * MINUTE);
  });

  test('by a sweep that cannot read the state is none, and admits', async () => {
    const { process, open, memory, clock, seen } = createFleet();
    await open();
    await clock.advance(MINUTE);
    memory.failNext({ when: 'before', operation: 'read', times: 10 });
    expect(await probeIfDue(process(), 'xero')).toEqual({ admitted: true });
    expect(seen.probed).toEqual([]);
  });
});
