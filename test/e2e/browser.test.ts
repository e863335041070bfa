import { existsSync } from 'node:fs';
import { test } from 'vitest';
import { CHROMIUM } from './chromium.ts';
import { describeInChromium } from './connect.browser.ts';

if (existsSync(CHROMIUM)) {
  describeInChromium();
} else {
  const notRun = `THE BROWSER TESTS WERE NOT RUN: there is no ${CHROMIUM} (Debian: apt-get install chromium)`;
  process.stderr.write(`\n${'!'.repeat(notRun.length)}\n${notRun}\n${'!'.repeat(notRun.length)}\n\n`);
  // Nothing to run; the report lists it as skipped, beside the message that cannot be overlooked.
  test.skip(notRun);
}
