import { runVitest } from './run-vitest.ts';

/**
 * `npm test`: the tests, or those vitest's arguments choose; without the end-to-end proofs, which take as long again and have a
 * command of their own (`npm run test:e2e`). The last line is `N passed, N failed`.
 */
const chosen = process.argv.slice(2);
const { passed, failed, exitCode } = await runVitest(
  chosen.length > 0 ? chosen : ['--exclude', 'test/e2e/*.proof.test.ts'],
);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = exitCode;
