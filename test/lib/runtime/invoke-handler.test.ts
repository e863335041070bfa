import { afterEach, expect, test, vi } from 'vitest';
import { ERRORS, type ErrorCode, GrantkeeperError } from '../../../lib/domain/errors.ts';
import { correlationId } from '../../../lib/runtime/correlation.ts';
import { type Invocation, invokeHandler, throwingHandler } from '../../../lib/runtime/invoke-handler.ts';
import { createCountMetric } from '../../../lib/runtime/metrics.ts';
import { captureOutput } from './captured-output.ts';
import { invokeContext } from './invoke-context.ts';

const output = captureOutput();
afterEach(() => vi.useRealTimers());

function failing(error: unknown) {
  return invokeHandler('get-token', async () => {
    throw error;
  });
}

test('the handler gets the event, the qualifier, the deadline and the correlation id', async () => {
  vi.useFakeTimers({ now: 1_795_000_000_000, toFake: ['Date'] });
  const seen: unknown[] = [];
  const handler = invokeHandler('get-token', async (event, { note, ...invocation }) => {
    seen.push(event, invocation, correlationId());
    return { status: 'ok' };
  });
  expect(await handler({ correlationId: 'caller-1' }, invokeContext('reports', 20_000))).toEqual({ status: 'ok' });
  expect(seen).toEqual([
    { correlationId: 'caller-1' },
    { correlationId: 'caller-1', deadlineAt: 1_795_000_019_000, qualifier: 'reports' },
    'caller-1',
  ]);
});

test.for([
  ['unqualified', undefined, undefined],
  ['by version', '7', '7'],
  ['by $LATEST', '$LATEST', '$LATEST'],
] as const)('an invocation %s has that qualifier', async ([, qualifier, expected]) => {
  let seen: Invocation | undefined;
  const handler = invokeHandler('get-token', async (_event, invocation) => {
    seen = invocation;
    return {};
  });
  await handler('no object', invokeContext(qualifier));
  expect([seen?.qualifier, seen?.correlationId]).toEqual([expected, 'lambda-1']);
});

const RECONNECT = ['not_connected', 'needs_reauth', 'tenant_lost'];

test.for(Object.keys(ERRORS) as ErrorCode[])('%s is answered, not thrown', async (code) => {
  const { message } = ERRORS[code];
  const reconnect = RECONNECT.includes(code) ? { reconnectRequired: true } : {};
  expect(await failing(new GrantkeeperError(code))({}, invokeContext())).toEqual({
    status: 'error',
    code,
    message,
    ...reconnect,
  });
});

test('field and waiting time are answered', async () => {
  const error = new GrantkeeperError('refresh_in_progress', { field: 'a', retryAfterSeconds: 3 });
  expect(await failing(error)({}, invokeContext())).toEqual({
    status: 'error',
    code: 'refresh_in_progress',
    message: 'A refresh is running, or was made less than a minute ago.',
    field: 'a',
    retryAfterSeconds: 3,
  });
});

test('an unexpected error says nothing of itself', async () => {
  expect(await failing(new Error('secret'))({}, invokeContext())).toEqual({
    status: 'error',
    code: 'internal_error',
    message: 'Something went wrong on our side.',
  });
  expect(output.text()).not.toContain('secret');
});

test.for([
  ['refresh_in_progress', 'INFO'],
  ['refresh_rejected', 'INFO'],
  ['refresh_failed', 'ERROR'],
  ['consumer_refused', 'INFO'],
  ['token_undecryptable', 'ERROR'],
  ['configuration_missing', 'ERROR'],
] as const)('%s is logged as %s', async ([code, level]) => {
  await failing(new GrantkeeperError(code))({ organizationId: 'secret' }, invokeContext());
  expect(output.lines()).toEqual([
    {
      level,
      message: 'invocation',
      correlationId: 'lambda-1',
      function: 'get-token',
      code,
      durationMs: expect.any(Number),
    },
  ]);
});

test('success is one line with what was noted, and metrics are written', async () => {
  const count = createCountMetric();
  const handler = invokeHandler('refresh-grant', async (_event, { note }) => {
    note({ grant: 'xero#1' });
    note({ outcome: 'commit' });
    count('RefreshOutcome', 1, { provider: 'xero', outcome: 'ok' });
    return { outcome: 'commit' };
  });
  await handler({}, invokeContext());
  expect(output.lines()).toEqual([
    {
      level: 'INFO',
      message: 'invocation',
      correlationId: 'lambda-1',
      function: 'refresh-grant',
      grant: 'xero#1',
      outcome: 'commit',
      durationMs: expect.any(Number),
    },
  ]);
  expect(output.metrics()).toHaveLength(1);
});

test('whoever is told of the end is told how long it took and by which code it failed', async () => {
  const ends: unknown[] = [];
  const options = { ended: (end: unknown) => ends.push(end) };
  const codes = [undefined, 'needs_reauth'] as const;
  for (const code of codes) {
    const handle = async () => {
      if (code !== undefined) throw new GrantkeeperError(code);
    };
    await invokeHandler('get-token', handle, options)({}, invokeContext());
  }
  expect(ends).toEqual([{ durationMs: expect.any(Number) }, { durationMs: expect.any(Number), code: 'needs_reauth' }]);
});

test('what was counted is written when the work fails, too, and a denial is counted', async () => {
  const count = createCountMetric();
  const handler = invokeHandler('get-token', async () => {
    count('SecretErrors', 1);
    throw new GrantkeeperError('shared_grant_refused');
  });
  await handler({}, invokeContext());
  expect(output.metrics()).toHaveLength(2);
  expect(output.metrics()).toEqual(
    expect.arrayContaining([
      { dimensions: [{}], values: { 'SecretErrors Count': 1 } },
      { dimensions: [{ outcome: 'shared_grant_refused' }], values: { 'DeniedCalls Count': 1 } },
    ]),
  );
});

test('work that outlasts the time limit is neither answered over nor aborted', async () => {
  let finished = false;
  const handler = invokeHandler('refresh-grant', async () => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    finished = true;
    return { outcome: 'commit' };
  });
  expect(await handler({}, invokeContext(undefined, 10))).toEqual({ outcome: 'commit' });
  expect(finished).toBe(true);
});

test('a throwing handler throws the code alone', async () => {
  const cause = new Error('secret');
  const handler = throwingHandler('refresh-due', async () => {
    throw new GrantkeeperError('unavailable', { cause });
  });
  const error: unknown = await handler({}, invokeContext()).catch((thrown: unknown) => thrown);
  expect(error).toEqual(new GrantkeeperError('unavailable'));
  expect((error as Error).cause).toBeUndefined();
});

test('a throwing handler answers its result, also when that is nothing', async () => {
  const handler = throwingHandler('refresh-due', async () => undefined);
  expect(await handler({}, invokeContext())).toBeUndefined();
});
