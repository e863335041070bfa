/**
 * `npm run test:dynamodb-local`: the store and front contracts against AWS's own DynamoDB Local. Its licence forbids
 * passing it on, so it is fetched on first use. Needs Java 17. Ends with `N passed, N failed`; exit 0 only when something
 * passed and nothing failed.
 */
import path from 'node:path';
import { startVitest } from 'vitest/node';
import { NoDynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local-server.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof NoDynamoDbLocal)) throw error;
  console.error(`npm run test:dynamodb-local: ${error.message}`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  // A signal ends this process without an exit event.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const { process: child, port } = await startDynamoDbLocal();
  try {
    process.env.DYNAMODB_LOCAL_URL = `http://127.0.0.1:${port}`;
    const { passed, failed } = await runSuites();
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 ? 0 : 1;
  } finally {
    child.kill();
  }
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
