import { runVitest } from './run-vitest.ts';

/** `npm test`: all tests, or those vitest's arguments choose. The last line is `N passed, N failed`. */
const { passed, failed, exitCode } = await runVitest(process.argv.slice(2));
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = exitCode;
