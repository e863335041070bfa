import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { FUNCTIONS, type FunctionName } from '../lib/domain/names.ts';

const PROJECT_DIR = fileURLToPath(new URL('..', import.meta.url));

/** Source maps name sources relative to this folder, which exists only as a name: so they, and the asset hashes, do not depend on `outDir`. */
const NOMINAL_OUT_DIR = join(PROJECT_DIR, 'functions', 'bundled');

/** What stands in for a bundle where CDK needs none (`cdk list`, template tests): it cannot be deployed by mistake unnoticed. */
const PLACEHOLDER = "throw new Error('this function was synthesized without bundling');\n";

/**
 * Bundles all functions with one esbuild call, each with everything it imports, the SDK included, into
 * `<outDir>/<name>/index.mjs` with its source map. Throws when a function's file is missing or does not build.
 */
export function bundleFunctions(outDir: string, sourceDir = join(PROJECT_DIR, 'functions')): void {
  const { outputFiles } = buildSync({
    absWorkingDir: PROJECT_DIR,
    entryPoints: Object.fromEntries(FUNCTIONS.map((name) => [`${name}/index`, join(sourceDir, `${name}.ts`)])),
    outdir: NOMINAL_OUT_DIR,
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Without this, the SDK's CommonJS builds are taken, which are twice the size.
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'silent',
  });
  for (const { path, contents } of outputFiles) writeInto(outDir, path.slice(NOMINAL_OUT_DIR.length + 1), contents);
}

/** Puts a placeholder where `bundleFunctions` would put the bundle. */
export function placeholderFunctions(outDir: string): void {
  for (const name of FUNCTIONS) writeInto(outDir, join(name, 'index.mjs'), PLACEHOLDER);
}

/** Adds a file beside a function's handler. */
export function addBeside(
  outDir: string,
  name: FunctionName,
  file: { readonly name: string; readonly text: string },
): void {
  writeInto(outDir, join(name, file.name), file.text);
}

function writeInto(outDir: string, path: string, contents: string | Uint8Array): void {
  const target = join(outDir, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, contents);
}
