import { expect, test } from 'vitest';
import { totalsOf, type VitestReport } from './run-vitest.ts';

function report(passed: number, ...files: [status: string, ...tests: string[]][]): VitestReport {
  return {
    numPassedTests: passed,
    testResults: files.map(([status, ...tests]) => ({
      status,
      assertionResults: tests.map((each) => ({ status: each })),
    })),
  };
}

test.for<[string, VitestReport | undefined, number, object]>([
  ['all passed', report(2, ['passed', 'passed', 'passed']), 0, { passed: 2, failed: 0, exitCode: 0 }],
  ['one failed', report(1, ['failed', 'passed', 'failed']), 1, { passed: 1, failed: 1, exitCode: 1 }],
  ['a file that did not load', report(1, ['failed'], ['passed', 'passed']), 1, { passed: 1, failed: 1, exitCode: 1 }],
  ['an error outside of tests', report(1, ['passed', 'passed']), 1, { passed: 1, failed: 1, exitCode: 1 }],
  ['no tests', report(0), 0, { passed: 0, failed: 1, exitCode: 1 }],
  ['no report', undefined, 0, { passed: 0, failed: 1, exitCode: 1 }],
  ['skipped tests only', report(0, ['passed', 'skipped']), 0, { passed: 0, failed: 1, exitCode: 1 }],
])('%s', ([, read, exitCode, expected]) => {
  expect(totalsOf(read, exitCode)).toEqual(expected);
});
