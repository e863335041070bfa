import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { faultsIn, importsOf, LAYERS } from './tools/layers.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = ['infra', 'functions', 'lib', 'ops', 'local'];

test('every file is in a layer, imports only what its layer may, and no imports go in a circle', () => {
  expect(faultsIn(sourcesOf(ROOMS))).toEqual([]);
});

test('every layer has a file, except that of the client, which is to come', () => {
  const files = [...sourcesOf(ROOMS).keys()];
  const empty = LAYERS.filter(({ files: pattern }) => !files.some((file) => pattern.test(file)));
  expect(empty.map(({ name }) => name)).toEqual(['client']);
});

describe('every form of import is found', () => {
  test.for([
    ['static', `import { a } from './a.ts';`, ['./a.ts']],
    ['over several lines', `import {\n  a,\n  b,\n} from "./a.ts";`, ['./a.ts']],
    ['type-only', `import type { A } from './a.ts';`, ['./a.ts']],
    ['type in an expression', `let a: import('./a.ts').A;`, ['./a.ts']],
    ['side effect', `import './a.ts';`, ['./a.ts']],
    ['dynamic', `const a = await import('./a.ts');`, ['./a.ts']],
    ['dynamic and computed', `const a = await import(name);`, ['(computed)']],
    ['re-export', `export { a } from './a.ts';`, ['./a.ts']],
    ['re-export of all', `export * from './a.ts';`, ['./a.ts']],
    ['require', `const a = createRequire(import.meta.url)('x'); require('./a.ts');`, ['./a.ts']],
    ['two on a line', `import a from './a.ts'; import b from './b.ts';`, ['./a.ts', './b.ts']],
    ['a comment is none', `// import { a } from './a.ts';\n/* import './b.ts'; */`, []],
    ['a URL in a string does not begin a comment', `const u = 'https://x'; import './a.ts';`, ['./a.ts']],
  ] as const)('%s', ([, source, expected]) => {
    expect(importsOf(source)).toEqual(expected);
  });
});

describe('planted faults are found', () => {
  const base: Record<string, string> = {
    'lib/domain/names.ts': '',
    'lib/domain/errors.ts': '',
    'lib/providers/index.ts': `import '../domain/errors.ts';`,
    'lib/service/ports.ts': `import type { A } from '../domain/names.ts';`,
    'lib/aws/clients.ts': `import '@aws-sdk/client-kms'; import type { B } from '../service/ports.ts';`,
    'lib/oauth/state.ts': `import 'node:crypto';`,
    'lib/runtime/http.ts': `import middy from '@middy/core';`,
  };

  test('and none in the fixture they are planted in', () => {
    expect(faultsIn(new Map(Object.entries(base)))).toEqual([]);
  });

  test.for([
    [
      'lib/service/a.ts',
      `import '../aws/clients.ts';`,
      'lib/service/a.ts imports lib/aws/clients.ts: service may not import aws',
    ],
    [
      'lib/service/a.ts',
      `import type { S } from '../oauth/state.ts';`,
      'lib/service/a.ts imports lib/oauth/state.ts: service may not import oauth',
    ],
    [
      'lib/service/a.ts',
      `await import('../runtime/http.ts');`,
      'lib/service/a.ts imports lib/runtime/http.ts: service may not import runtime',
    ],
    [
      'lib/service/a.ts',
      `import '@aws-sdk/client-kms';`,
      'lib/service/a.ts imports @aws-sdk/client-kms: service may not import this package',
    ],
    [
      'lib/domain/a.ts',
      `export * from '../providers/index.ts';`,
      'lib/domain/a.ts imports lib/providers/index.ts: domain may not import providers',
    ],
    [
      'lib/domain/a.ts',
      `import * as z from 'zod/mini';`,
      'lib/domain/a.ts imports zod/mini: domain may not import this package',
    ],
    [
      'lib/providers/a.ts',
      `import '../service/ports.ts';`,
      'lib/providers/a.ts imports lib/service/ports.ts: providers may not import ports',
    ],
    [
      'lib/aws/a.ts',
      `import '../oauth/state.ts';`,
      'lib/aws/a.ts imports lib/oauth/state.ts: aws may not import oauth',
    ],
    ['lib/aws/a.ts', `import '../service/a.ts';`, 'lib/aws/a.ts imports lib/service/a.ts: no such file'],
    [
      'lib/aws/a.ts',
      `import '../service/ports.ts';`,
      'lib/aws/a.ts imports lib/service/ports.ts: aws may import only the types of ports',
    ],
    [
      'lib/oauth/a.ts',
      `import '@aws-sdk/client-kms';`,
      'lib/oauth/a.ts imports @aws-sdk/client-kms: oauth may not import this package',
    ],
    [
      'infra/a.ts',
      `import '../lib/domain/errors.ts';`,
      'infra/a.ts imports lib/domain/errors.ts: infra may not import domain',
    ],
    [
      'infra/a.ts',
      `import '../lib/runtime/http.ts';`,
      'infra/a.ts imports lib/runtime/http.ts: infra may not import runtime',
    ],
    ['functions/a.ts', `import './b.ts';`, 'functions/a.ts imports functions/b.ts: no such file'],
    ['functions/a.ts', `import '../local/b.ts';`, 'functions/a.ts imports local/b.ts: no such file'],
    [
      'lib/client/a.ts',
      `import '../service/ports.ts';`,
      'lib/client/a.ts imports lib/service/ports.ts: client may not import ports',
    ],
    ['lib/new-room/a.ts', ``, 'lib/new-room/a.ts is in no layer'],
    ['lib/a.ts', ``, 'lib/a.ts is in no layer'],
  ] as const)('%s: %s', ([file, source, fault]) => {
    expect(faultsIn(new Map(Object.entries({ ...base, [file]: source })))).toEqual([fault]);
  });

  test('a function that imports another', () => {
    const files = { ...base, 'functions/a.ts': `import './b.ts';`, 'functions/b.ts': '' };
    expect(faultsIn(new Map(Object.entries(files)))).toEqual([
      'functions/a.ts imports functions/b.ts: functions may not import functions',
    ]);
  });

  test('a circle, even of types, is told once and whole', () => {
    const files = {
      ...base,
      'lib/domain/a.ts': `import type { B } from './b.ts';`,
      'lib/domain/b.ts': `import { c } from './c.ts';`,
      'lib/domain/c.ts': `import { a } from './a.ts';`,
    };
    expect(faultsIn(new Map(Object.entries(files)))).toEqual([
      'circle: lib/domain/a.ts → lib/domain/b.ts → lib/domain/c.ts → lib/domain/a.ts',
    ]);
  });

  test('a file that imports itself', () => {
    const files = { ...base, 'lib/domain/a.ts': `import './a.ts';` };
    expect(faultsIn(new Map(Object.entries(files)))).toEqual(['circle: lib/domain/a.ts → lib/domain/a.ts']);
  });
});

/** Path from the root → source, of everything with code in these folders. */
function sourcesOf(folders: readonly string[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of folders) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.[cm]?[jt]sx?$/.test(entry.name) || entry.name.endsWith('.d.ts')) continue;
      const path = join(entry.parentPath, entry.name);
      sources.set(relative(ROOT, path).replaceAll('\\', '/'), readFileSync(path, 'utf8'));
    }
  }
  return sources;
}

test('the folders that are read are all that have code', () => {
  const withoutLayer = new Set(['node_modules', 'test', 'examples', 'cdk.out', 'coverage']);
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const unread = folders.map(({ name }) => name).filter((name) => !name.startsWith('.') && !withoutLayer.has(name));
  expect(unread.toSorted()).toEqual(ROOMS.toSorted());
});
