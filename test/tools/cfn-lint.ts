/**
 * `npm run test:cfn-lint`: AWS's own linter over the templates of dev as it comes and of prod with everything that can be
 * configured. It is a Python program; a virtual environment of its own is made on first use. Needs Python 3 with venv and pip.
 * Ends with `N passed, N failed`, one check per template; exit 0 only when nothing was found.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { synthesize } from '../../local/assembly.ts';
import { COMPLETE } from '../infra/settings.ts';
import { ROOT } from './child.ts';

const VERSION = '1.58.0';
const VENV = path.join(ROOT, '.cache', `cfn-lint-${VERSION}`);
const CFN_LINT = path.join(VENV, 'bin', 'cfn-lint');

/** Rules that are not applied, and why. */
const IGNORED = {
  W3005:
    'CDK names a function’s role among what it depends on although the function’s Role says so already; it is harmless',
};

const ENVIRONMENTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { dev: {}, prod: COMPLETE };

/** Why nothing was linted. */
class NoLinter extends Error {}

interface Run {
  readonly exitCode: number;
  readonly output: string;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof NoLinter)) throw error;
  console.error(`npm run test:cfn-lint: ${error.message}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}

async function main(): Promise<number> {
  await install();
  for (const [rule, reason] of Object.entries(IGNORED)) console.log(`not applied: ${rule}: ${reason}`);
  const findings: number[] = [];
  for (const [environment, context] of Object.entries(ENVIRONMENTS)) {
    findings.push(...(await lintEnvironment(environment, context)));
  }
  const failed = findings.filter((code) => code !== 0).length;
  console.log(`${findings.length - failed} passed, ${failed} failed`);
  return failed === 0 && findings.length > 0 ? 0 : 1;
}

/** Leaves cfn-lint in its virtual environment. Throws `NoLinter` with the next step where that cannot be. */
async function install(): Promise<void> {
  if (existsSync(CFN_LINT)) return;
  mkdirSync(path.dirname(VENV), { recursive: true });
  const made = await run('python3', ['-m', 'venv', '--clear', VENV]);
  if (made.exitCode !== 0) {
    throw new NoLinter(`python3 with venv and pip is needed (Debian: python3-venv)\n${made.output}`);
  }
  const pip = path.join(VENV, 'bin', 'pip');
  const installed = await run(pip, ['install', '--quiet', '--disable-pip-version-check', `cfn-lint==${VERSION}`]);
  if (installed.exitCode === 0) return;
  // A half-made environment would look like a whole one the next time.
  rmSync(VENV, { recursive: true, force: true });
  throw new NoLinter(`pip could not install cfn-lint ${VERSION}\n${installed.output}`);
}

/** One exit code per template of the environment. */
async function lintEnvironment(environment: string, context: Readonly<Record<string, unknown>>): Promise<number[]> {
  const outDir = mkdtempSync(path.join(tmpdir(), 'grantkeeper-cfn-lint-'));
  try {
    await synthesize({ outDir, context: { ...context, env: environment } });
    const templates = readdirSync(outDir).filter((name) => name.endsWith('.template.json'));
    return await Promise.all(templates.map((name) => lint(environment, path.join(outDir, name))));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/** Warnings count, and so does what cfn-lint calls information. */
async function lint(environment: string, template: string): Promise<number> {
  const ignored = Object.keys(IGNORED).flatMap((rule) => ['--ignore-checks', rule]);
  const args = ['--include-checks', 'I', '--non-zero-exit-code', 'informational', ...ignored, '--', template];
  const { exitCode, output } = await run(CFN_LINT, args);
  console.log(`${exitCode === 0 ? 'ok    ' : 'FAILED'}  ${environment}  ${path.basename(template, '.template.json')}`);
  if (exitCode !== 0) console.log(output.trimEnd());
  return exitCode;
}

function run(command: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: ROOT, timeout: 300_000 }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code) || 1, output: `${stdout}${stderr}` });
    });
  });
}
