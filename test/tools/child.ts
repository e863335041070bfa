import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The tools, by the JavaScript file each package names as its command: no shell and no wrapper script stands between. */
export const TOOLS = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  knip: 'node_modules/knip/bin/knip.js',
  vitest: 'node_modules/vitest/vitest.mjs',
} as const;

export interface ChildEnd {
  readonly exitCode: number;
  readonly seconds: number;
  /** Standard output and error in the order they came; empty when `show` was set. */
  readonly output: string;
}

/** Runs one of the tools with the Node that runs us. With `show` its output goes straight to the terminal. */
export async function runTool(tool: keyof typeof TOOLS, args: readonly string[], show = false): Promise<ChildEnd> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [TOOLS[tool], ...args], { cwd: ROOT, stdio: show ? 'inherit' : 'pipe' });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  return { exitCode, seconds: (performance.now() - startedAt) / 1000, output: Buffer.concat(chunks).toString('utf8') };
}
