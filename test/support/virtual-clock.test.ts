import { expect, test } from 'vitest';
import { createVirtualClock } from './virtual-clock.ts';

test('moves by itself, and sleepers side by side wake in order of time', async () => {
  const clock = createVirtualClock({ startAt: 1_000 });
  const woken: [string, number][] = [];
  const sleep = async (name: string, ...times: number[]) => {
    for (const milliseconds of times) {
      await clock.sleep(milliseconds);
      woken.push([name, clock.now()]);
    }
  };
  await Promise.all([sleep('slow', 250), sleep('quick', 100, 100, 100)]);
  expect(woken).toEqual([
    ['quick', 1_100],
    ['quick', 1_200],
    ['slow', 1_250],
    ['quick', 1_300],
  ]);
  expect(clock.sleepers()).toBe(0);
});

test('a timer that nobody waits for does not move the time of others', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  void clock.sleep(100);
  await clock.sleep(250);
  expect(clock.now()).toBe(250);
  void clock.sleep(100);
  await Promise.resolve();
  expect(clock.now()).toBe(250);
});

test('can be advanced, past who sleeps', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const slept = clock.sleep(40).then(() => clock.now());
  await clock.advance(100);
  expect([await slept, clock.now()]).toEqual([40, 100]);
});
