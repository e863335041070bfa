/**
 * `npm run proof`: everything behind the README's "How we know no grant is lost", at full size. `--small`: the sizes of the
 * gate. Each proof is a command of its own, printed before it runs. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';

interface Proof {
  readonly script: 'sim' | 'model' | 'test:kill' | 'test:judge';
  readonly full: readonly string[];
  /** Default: as `full`. */
  readonly small?: readonly string[];
}

const PROOFS: readonly Proof[] = [
  { script: 'sim', full: ['--seeds', '100000'], small: ['--seeds', '20000'] },
  { script: 'sim', full: ['--crash-points'] },
  { script: 'sim', full: ['--scenarios'], small: ['--scenarios', '--small'] },
  { script: 'sim', full: ['--mutants'] },
  { script: 'model', full: [], small: ['--small'] },
  { script: 'test:kill', full: [], small: ['--grants', '300', '--seconds', '20'] },
  { script: 'test:judge', full: [] },
];

const ROOT = path.resolve(import.meta.dirname, '../..');
const isSmall = process.argv.includes('--small');
let passed = 0;
const failures: string[] = [];
for (const { script, full, small } of PROOFS) {
  const options = isSmall ? (small ?? full) : full;
  const told = `npm run ${script}${options.length > 0 ? ` -- ${options.join(' ')}` : ''}`;
  const startedAt = Date.now();
  process.stdout.write(`\n# ${told}\n`);
  const succeeded = await run(script, options);
  process.stdout.write(
    `# ${told}: ${succeeded ? 'passed' : 'FAILED'} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s\n`,
  );
  if (succeeded) passed += 1;
  else failures.push(told);
}
process.stdout.write(failures.map((told) => `failed: ${told}\n`).join(''));
process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

function run(script: string, options: readonly string[]): Promise<boolean> {
  const child = spawn('npm', ['run', '--silent', script, '--', ...options], { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
