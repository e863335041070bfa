import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { withCorrelationId } from '../../../lib/runtime/correlation.ts';
import { createLogOutcome } from '../../../lib/runtime/logging.ts';
import type { LogOutcome } from '../../../lib/service/ports.ts';
import { captureOutput } from './captured-output.ts';

const output = captureOutput();

test('a line is JSON with level, message, time, correlation id and the fields', () => {
  withCorrelationId('c-1', () => {
    createLogOutcome('INFO')('warn', 'refresh did not succeed', {
      provider: 'xero',
      durationMs: 12,
      failed: true,
      retry: undefined,
    });
  });
  const line = JSON.parse(output.text()) as Record<string, unknown>;
  expect(line).toEqual({
    level: 'WARN',
    message: 'refresh did not succeed',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    correlationId: 'c-1',
    provider: 'xero',
    durationMs: 12,
    failed: true,
  });
});

test('a field that is not listed, or is no plain value, is dropped and its name told', () => {
  const fields = {
    outcome: 'ok',
    accessToken: 'secret-1',
    grant: { secret: 'secret-2' },
    code: new Secret('secret-3'),
    attempt: ['secret-4'],
  };
  createLogOutcome('INFO')('info', 'x', fields as unknown as Parameters<LogOutcome>[2]);
  expect(output.text()).not.toContain('secret-');
  expect(output.lines()).toEqual([
    { level: 'INFO', message: 'x', outcome: 'ok', dropped: 'accessToken grant code attempt' },
  ]);
});

test('every field that a line of ours names is listed', () => {
  const literals = globSync('lib/**/*.ts').flatMap((path) => [
    ...readFileSync(path, 'utf8').matchAll(/\blog\(\s*[^']{0,60}'\w+'.{0,20},\s*'[^']+',\s*\{([^}]*)\}/g),
  ]);
  const names = literals.flatMap(([, fields = '']) =>
    [...fields.matchAll(/(?:^|,)\s*(\w+)\s*(?=[:,]|$)/g)].map(([, name = '']) => name),
  );
  expect(names.length).toBeGreaterThan(20);
  createLogOutcome('INFO')('info', 'x', Object.fromEntries(names.map((name) => [name, 1])));
  expect(output.lines().map(({ dropped }) => dropped)).toEqual([undefined]);
});

test('a field cannot pass for the line’s own', () => {
  createLogOutcome('INFO')('info', 'x', { level: 'DEBUG', message: 'y', timestamp: 'z' });
  expect(output.lines()).toEqual([{ level: 'INFO', message: 'x', dropped: 'level message timestamp' }]);
});

test('an endless value is not printed, not even its beginning', () => {
  createLogOutcome('INFO')('info', 'x', { reason: 'r'.repeat(10_000) });
  expect(output.lines()).toEqual([{ level: 'INFO', message: 'x', dropped: 'reason' }]);
});

test('lines below the level are not written', () => {
  const log = createLogOutcome('WARN');
  log('info', 'x', {});
  log('error', 'y', {});
  expect(output.lines()).toEqual([{ level: 'ERROR', message: 'y' }]);
});
