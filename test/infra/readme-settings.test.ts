import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULTS } from '../../infra/environments.ts';
import { settingsSchema } from '../../infra/settings.ts';

/** Setting and what its row says of the default, from the table of the README. */
const ROWS = new Map(
  [...readFileSync('README.md', 'utf8').matchAll(/^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, name = '', said = '']) => [name, said] as const,
  ),
);

test('the README has a row for every setting', () => {
  const names = Object.keys(settingsSchema.shape);
  expect(names.filter((name) => !ROWS.has(name))).toEqual([]);
});

test('and where there is one default for all environments, it is the one that holds', () => {
  const plain = Object.entries(DEFAULTS).filter(([, value]) => typeof value !== 'object');
  const wrong = plain.filter(([name, value]) => !ROWS.get(name)?.startsWith(String(value)));
  expect(wrong).toEqual([]);
});
