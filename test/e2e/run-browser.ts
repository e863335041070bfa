import { existsSync } from 'node:fs';
import { runVitest } from '../tools/run-vitest.ts';
import { CHROMIUM } from './chromium.ts';

/** `npm run test:browser`: only the browser tests, and a failure where `npm test` would leave them out. */
if (existsSync(CHROMIUM)) {
  const { passed, failed, exitCode } = await runVitest(['test/e2e/browser.test.ts']);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = exitCode;
} else {
  process.stderr.write(`the browser tests need ${CHROMIUM} (Debian: apt-get install chromium)\n`);
  process.exitCode = 1;
}
