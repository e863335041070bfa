import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from './child.ts';

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  /** 0 when vitest itself was content too: an error outside a test is a failure. */
  readonly exitCode: number;
}

/**
 * Runs the tests with vitest's own report on the terminal, and counts from its JSON report. A test file that could not be
 * loaded, an error nobody caught and a run without tests each count as one failure.
 */
export async function runVitest(args: readonly string[]): Promise<TestTotals> {
  const folder = mkdtempSync(join(tmpdir(), 'grantkeeper-tests-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { exitCode } = await runTool('vitest', ['run', ...reporters, ...args], true);
    return totalsOf(readReport(report), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is read of vitest's JSON report. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** The totals of a report; without one, or against vitest's own verdict, at least one failure. */
export function totalsOf(report: VitestReport | undefined, exitCode: number): TestTotals {
  const files = report?.testResults ?? [];
  const failedTests = files.flatMap(({ assertionResults }) => assertionResults.filter(isFailed)).length;
  const brokenFiles = files.filter((file) => isFailed(file) && !file.assertionResults.some(isFailed)).length;
  const passed = report?.numPassedTests ?? 0;
  const told = failedTests + brokenFiles;
  const failed = told === 0 && (exitCode !== 0 || passed === 0) ? 1 : told;
  return { passed, failed, exitCode: failed === 0 ? 0 : 1 };
}

function isFailed({ status }: { readonly status: string }): boolean {
  return status === 'failed';
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as VitestReport;
  } catch {
    return undefined;
  }
}
