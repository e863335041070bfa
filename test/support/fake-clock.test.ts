import { describe, expect, test } from 'vitest';
import { createFakeClock } from './fake-clock.ts';

describe('the fake clock', () => {
  test('stands still until it is advanced, and wakes sleepers in order of time', async () => {
    const clock = createFakeClock({ startAt: 1_000 });
    const woken: [string, number][] = [];
    const sleep = async (name: string, milliseconds: number) => {
      await clock.sleep(milliseconds);
      woken.push([name, clock.now()]);
    };
    const sleepers = [sleep('late', 30), sleep('early', 10), sleep('never', 100)];
    await clock.advance(9);
    expect(woken).toEqual([]);
    await clock.advance(41);
    expect(woken).toEqual([
      ['early', 1_010],
      ['late', 1_030],
    ]);
    expect(clock.now()).toBe(1_050);
    expect(clock.sleepers()).toBe(1);
    await clock.advance(50);
    await Promise.all(sleepers);
  });

  test('who goes to sleep again is woken within the same advance', async () => {
    const clock = createFakeClock({ startAt: 0 });
    const ticks: number[] = [];
    const loop = (async () => {
      for (let tick = 0; tick < 3; tick += 1) {
        await clock.sleep(10);
        ticks.push(clock.now());
      }
    })();
    await clock.advance(35);
    await loop;
    expect(ticks).toEqual([10, 20, 30]);
  });

  test('advances itself when told so', async () => {
    const clock = createFakeClock({ startAt: 0, autoAdvance: true });
    await clock.sleep(250);
    await clock.sleep(250);
    expect(clock.now()).toBe(500);
  });
});
