import { type ChildEnd, runTool, type TOOLS } from './child.ts';

/** `npm run check`: everything that judges the code without running it. Runs all, tells all, fails when any does. */
const CHECKS: readonly {
  readonly name: string;
  readonly tool: keyof typeof TOOLS;
  readonly args: readonly string[];
}[] = [
  { name: 'biome', tool: 'biome', args: ['check', '--error-on-warnings'] },
  { name: 'tsc', tool: 'tsc', args: ['--noEmit'] },
  { name: 'knip', tool: 'knip', args: ['--no-progress'] },
  { name: 'direction', tool: 'vitest', args: ['run', 'test/architecture.test.ts', '--reporter=dot'] },
];

let failures = 0;
for (const { name, tool, args } of CHECKS) {
  const end: ChildEnd = await runTool(tool, args);
  const verdict = end.exitCode === 0 ? 'ok' : 'FAILED';
  process.stdout.write(`${verdict.padEnd(6)}  ${name.padEnd(9)}  ${end.seconds.toFixed(1)} s\n`);
  if (end.exitCode === 0) continue;
  failures += 1;
  process.stdout.write(`${end.output.trimEnd()}\n`);
}
process.exitCode = failures === 0 ? 0 : 1;
