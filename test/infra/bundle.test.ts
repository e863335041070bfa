import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { FUNCTIONS } from '../../lib/domain/names.ts';

const dir = mkdtempSync(join(tmpdir(), 'grantkeeper-bundle-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Sources of all functions but those named; each imports a file beside it. */
function writeSources(name: string, missing: readonly string[] = []): string {
  const sourceDir = join(dir, name);
  mkdirSync(sourceDir, { recursive: true });
  writeFileSync(join(sourceDir, 'shared.ts'), 'export const answer = (name: string): string => name;\n');
  for (const each of FUNCTIONS.filter((each) => !missing.includes(each))) {
    const source = `import { answer } from './shared.ts';\nexport const handler = async () => answer('${each}');\n`;
    writeFileSync(join(sourceDir, `${each}.ts`), source);
  }
  return sourceDir;
}

describe('bundles', () => {
  let sourceDir: string;
  beforeAll(() => {
    sourceDir = writeSources('complete');
    bundleFunctions(join(dir, 'once'), sourceDir);
  });

  test('stand alone, one folder per function, and export a handler', async () => {
    expect(readdirSync(join(dir, 'once')).sort()).toEqual([...FUNCTIONS].sort());
    expect(readdirSync(join(dir, 'once', 'get-token')).sort()).toEqual(['index.mjs', 'index.mjs.map']);
    const { handler } = await import(pathToFileURL(join(dir, 'once', 'get-token', 'index.mjs')).href);
    expect(await handler()).toBe('get-token');
  });

  test('are the same bytes wherever they are written, so that asset hashes stay', () => {
    bundleFunctions(join(dir, 'elsewhere', 'twice'), sourceDir);
    const read = (folder: string) =>
      FUNCTIONS.flatMap((name) =>
        ['index.mjs', 'index.mjs.map'].map((file) => readFileSync(join(dir, folder, name, file), 'utf8')),
      );
    expect(read('elsewhere/twice')).toEqual(read('once'));
  });
});

test('a function without its file fails the synthesis by that name', () => {
  const sourceDir = writeSources('incomplete', ['callback']);
  expect(() => bundleFunctions(join(dir, 'never'), sourceDir)).toThrow(
    /Could not resolve ".*incomplete\/callback\.ts"/,
  );
});
