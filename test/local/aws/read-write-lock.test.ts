import { expect, test } from 'vitest';
import { createReadWriteLock } from '../../../local/aws/read-write-lock.ts';

test('readers share, a writer is alone, and all start in the order they came', async () => {
  const lock = createReadWriteLock();
  const log: string[] = [];
  const job = (name: string) => async () => {
    log.push(`${name} starts`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
  };
  await Promise.all([
    lock.read(job('r1')),
    lock.read(job('r2')),
    lock.write(job('w1')),
    lock.write(job('w2')),
    lock.read(job('r3')),
  ]);
  expect(log).toEqual([
    'r1 starts',
    'r2 starts',
    'r1 ends',
    'r2 ends',
    'w1 starts',
    'w1 ends',
    'w2 starts',
    'w2 ends',
    'r3 starts',
    'r3 ends',
  ]);
});

test('work that fails passes its error on and leaves the lock free', async () => {
  const lock = createReadWriteLock();
  const failing = async () => {
    throw new RangeError('no');
  };
  await expect(lock.write(failing)).rejects.toThrow('no');
  await expect(lock.read(failing)).rejects.toThrow('no');
  expect(await lock.write(async () => 'free')).toBe('free');
});
