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

test('a field cannot pass for the line’s own', () => {
  createLogOutcome('INFO')('info', 'x', { level: 'DEBUG', message: 'y', timestamp: 'z' });
  expect(output.lines()).toEqual([{ level: 'INFO', message: 'x', dropped: 'level message timestamp' }]);
});

test('an endless value is cut', () => {
  createLogOutcome('INFO')('info', 'x', { reason: 'r'.repeat(10_000) });
  expect(output.lines()).toEqual([{ level: 'INFO', message: 'x', reason: `${'r'.repeat(256)}…` }]);
});

test('lines below the level are not written', () => {
  const log = createLogOutcome('WARN');
  log('info', 'x', {});
  log('error', 'y', {});
  expect(output.lines()).toEqual([{ level: 'ERROR', message: 'y' }]);
});
