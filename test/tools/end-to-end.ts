import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeUse, readRecords, USE_FOLDER } from '../support/grant-use.ts';
import { runVitest } from './run-vitest.ts';

/**
 * `npm run test:e2e`: all end-to-end tests, the proofs among them, with the roles enforced. Then it is judged whether they used
 * every action that the functions' roles allow: one that nobody used is one too much, and fails. The last line is
 * `N passed, N failed`.
 */
const folder = mkdtempSync(join(tmpdir(), 'grantkeeper-use-'));
process.env[USE_FOLDER] = folder;
try {
  const tests = await runVitest(['test/e2e']);
  const privileges = judgePrivileges();
  const failed = tests.failed + privileges.failed;
  process.stdout.write(`${tests.passed + privileges.passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? tests.exitCode : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function judgePrivileges(): { readonly passed: number; readonly failed: number } {
  const { granted, unused } = judgeUse(readRecords(folder));
  for (const action of unused) process.stdout.write(`least privilege: nobody used ${action}\n`);
  if (granted.length === 0) process.stdout.write('least privilege: no end-to-end test left a record\n');
  const isProven = granted.length > 0 && unused.length === 0;
  if (isProven) process.stdout.write(`least privilege: ${granted.length} actions are granted, and each was used\n`);
  return isProven ? { passed: 1, failed: 0 } : { passed: 0, failed: Math.max(1, unused.length) };
}
