import { expect, test } from 'vitest';
import { CONFIGURATIONS } from './configurations.ts';
import { MUTANTS } from './mutants.ts';
import { run } from './thread.ts';

/** The model itself, at a size for every test run; `npm run model` searches all of it. */

test('no interleaving of the first steps of two refreshers violates an invariant', () => {
  const found = run({ configuration: 'refresh, single use', limit: 5_000 });
  expect(found.problem).toBeUndefined();
  expect(found.states).toBeGreaterThanOrEqual(5_000);
});

test('dropping a token whose lease is gone is caught, by a trace that can be read', () => {
  const found = run({ configuration: 'refresh, single use', mutant: 'dropped-without-lease', limit: 20_000 });
  expect(found.problem).toEqual({
    what: 'I2: t2 is good and nobody has it any more',
    steps: [
      'process A reads the grant (refresh)',
      'process A takes the lease as a2 to refresh',
      'process A sends t1 and gets t2',
      '2.5 minutes pass',
      'process B reads the grant (refresh)',
      'process B takes the lease as a3 to refresh',
      'process A drops t2, as the lease is gone',
    ],
  });
});

test('a client that repeats a request is caught with two of them under way', () => {
  const found = run({ configuration: 'refresh, single use', mutant: 'client-retries', limit: 20_000 });
  expect(found.problem?.what).toBe('I4: process A and t1 send at the same time');
});

test('every weakened design has a name of its own and names a configuration', () => {
  const ids = MUTANTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const names = CONFIGURATIONS.map(({ name }) => name);
  expect(MUTANTS.filter(({ configuration }) => !names.includes(configuration))).toEqual([]);
});
