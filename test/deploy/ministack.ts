import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../tools/child.ts';

/**
 * The emulator is ministack, from PyPI, of one version: what it can and cannot do is part of what is proved. It is no
 * dependency of the project: a virtual environment of its own is made in .cache on first use.
 */
const VERSION = '1.5.33';
const ENVIRONMENT = path.join(ROOT, '.cache', 'ministack', VERSION);
const PYTHON = path.join(ENVIRONMENT, 'bin', 'python');
const OLDEST_PYTHON = [3, 10] as const;
const INSTALL_MS = 180_000;

export const MINISTACK = `ministack ${VERSION}`;

/** Why there is no emulator on this machine, in one line. */
export class NoMinistack extends Error {}

/** The Python that can import it. Throws `NoMinistack` where Python is missing or too old, or pip could not install it. */
export function provideMinistack(): string {
  requirePython();
  if (isInstalled()) return PYTHON;
  console.log(`# installing ${MINISTACK} into ${path.relative(ROOT, ENVIRONMENT)}`);
  python3(['-m', 'venv', '--clear', ENVIRONMENT], 'python3 cannot make a virtual environment (Debian: python3-venv)');
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', `ministack==${VERSION}`];
  run(PYTHON, pip, `pip could not install ministack==${VERSION}`);
  if (!isInstalled()) throw new NoMinistack(`pip installed something else than ${MINISTACK}: remove .cache/ministack`);
  return PYTHON;
}

function requirePython(): void {
  const told = python3(
    ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])'],
    `needs Python ${OLDEST_PYTHON.join('.')} or newer as python3, with venv and pip (Debian: python3-venv)`,
  );
  const [major = 0, minor = 0] = told.trim().split(' ').map(Number);
  if (major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])) return;
  throw new NoMinistack(`needs Python ${OLDEST_PYTHON.join('.')} or newer, python3 is ${major}.${minor}`);
}

function isInstalled(): boolean {
  if (!existsSync(PYTHON)) return false;
  try {
    const question = 'from importlib.metadata import version; print(version("ministack"))';
    return execFileSync(PYTHON, ['-c', question], { encoding: 'utf8', stdio: 'pipe' }).trim() === VERSION;
  } catch {
    return false;
  }
}

function python3(args: readonly string[], problem: string): string {
  return run('python3', args, problem);
}

function run(command: string, args: readonly string[], problem: string): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', timeout: INSTALL_MS });
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? (error.stderr ?? '') : '';
    const said = String(stderr).trim().split('\n').at(-1);
    throw new NoMinistack(said ? `${problem}: ${said}` : problem);
  }
}
