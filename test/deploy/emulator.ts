import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** A resource that `emulator.py` let pass: handed to ministack's own API, or kept and never evaluated. */
export interface LetPass {
  readonly how: 'by-api' | 'not-evaluated';
  readonly type: string;
  readonly name: string;
}

/** ministack as a process of ours. */
export interface Emulator {
  /** `http://127.0.0.1:<port>`, for every AWS client. */
  readonly endpoint: string;
  /** What was let pass so far. */
  letPass(): readonly LetPass[];
  /** What functions wrote, as ministack repeats it, and its own messages. */
  lines(): readonly string[];
  stop(): Promise<void>;
}

const START_MS = 30_000;
const STOP_MS = 5_000;
const PROGRAM = path.join(import.meta.dirname, 'emulator.py');

/**
 * Starts one without any state, on a free port of 127.0.0.1, with its files and its log (`emulator.log`) in `folder`. Functions
 * run as processes of the Node that runs us. It gets none of this shell's variables, so neither credentials nor proxies.
 */
export async function startEmulator(python: string, folder: string): Promise<Emulator> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(python, [PROGRAM], { cwd: folder, env: environmentOf(folder, port), detached: true });
  const lines: string[] = [];
  const log = createWriteStream(path.join(folder, 'emulator.log'));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      log.write(`${line}\n`);
    });
  }
  const stopNow = () => signalGroup(child, 'SIGKILL');
  process.once('exit', stopNow);
  try {
    await answers(child, endpoint, lines);
  } catch (error) {
    stopNow();
    throw error;
  }
  return {
    endpoint,
    lines: () => lines,
    letPass: () => lines.flatMap(asLetPass),
    async stop() {
      signalGroup(child, 'SIGTERM');
      for (const end = Date.now() + STOP_MS; child.exitCode === null && Date.now() < end; ) await sleep(50);
      stopNow();
      process.off('exit', stopNow);
      log.end();
    },
  };
}

function environmentOf(folder: string, port: number): Record<string, string> {
  return {
    PATH: [path.dirname(process.execPath), '/usr/bin', '/bin'].join(path.delimiter),
    HOME: folder,
    TMPDIR: folder,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    S3_DATA_DIR: path.join(folder, 's3'),
    // It runs functions as processes; where there is a docker it is none of its business.
    LAMBDA_EXECUTOR: 'local',
    DOCKER_HOST: `unix://${folder}/no-docker.sock`,
    PYTHONUNBUFFERED: '1',
  };
}

async function answers(child: ChildProcess, endpoint: string, lines: readonly string[]): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(100)) {
    if (failure !== undefined || child.exitCode !== null) {
      throw new Error(`ministack did not start: ${failure?.message ?? lines.slice(-5).join(' | ')}`);
    }
    const health = await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
    await health?.body?.cancel();
    if (health?.ok) return;
  }
  throw new Error(`ministack did not answer within ${START_MS / 1000} s`);
}

/** The process and the functions it started: a group of its own. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

function asLetPass(line: string): LetPass[] {
  const [, how, type = '', name = ''] = /^ADDED (by-api|not-evaluated) (\S+) (\S+)$/.exec(line) ?? [];
  return how === 'by-api' || how === 'not-evaluated' ? [{ how, type, name }] : [];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
