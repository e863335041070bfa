import { expect, test } from 'vitest';
import { encodeRescue } from '../../../lib/aws/rescue-queue.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { METRICS } from '../../../lib/domain/names.ts';
import type { RescueMessage } from '../../../lib/domain/rescue-message.ts';
import { createCountMetric } from '../../../lib/runtime/metrics.ts';
import { rescueHandler } from '../../../lib/runtime/rescue-handler.ts';
import { queuedAuthorization, queuedTokens } from '../../support/rescues.ts';
import { captureOutput } from './captured-output.ts';
import { invokeContext } from './invoke-context.ts';

const output = captureOutput();

const refresh = (attemptId: string): RescueMessage => ({ v: 1, kind: 'refresh', issued: queuedTokens(attemptId) });
const BANK: RescueMessage = { v: 1, kind: 'bank', authorization: queuedAuthorization() };
const record = (messageId: string, message: RescueMessage | string, receives = 1) => ({
  messageId,
  receiptHandle: 'handle',
  body: typeof message === 'string' ? message : encodeRescue(message),
  attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: '1' },
  eventSource: 'aws:sqs',
});

test('each message is applied by itself; those that fail are named', async () => {
  const applied: string[] = [];
  const handler = rescueHandler(async (message) => {
    const id = message.kind === 'refresh' ? message.issued.attemptId : message.authorization.attemptId;
    if (id === 'a-2') throw new GrantkeeperError('unavailable', { cause: new Error('secret-cause') });
    if (id === 'a-3') throw new TypeError('secret-bug');
    applied.push(id);
    return 'stored';
  });
  const Records = [
    record('m-1', refresh('a-1')),
    record('m-2', refresh('a-2'), 7),
    record('m-3', refresh('a-3')),
    record('m-4', '{"secret-body":1}'),
    record('m-5', BANK),
  ];
  const answer = await handler({ Records }, invokeContext());
  expect(applied).toEqual(['a-1', 'flow-1']);
  expect(answer).toEqual({
    batchItemFailures: [{ itemIdentifier: 'm-2' }, { itemIdentifier: 'm-3' }, { itemIdentifier: 'm-4' }],
  });
  const lines = (output.lines() as { correlationId: string }[]).toSorted((a, b) =>
    a.correlationId < b.correlationId ? -1 : 1,
  );
  const common = { message: 'invocation', function: 'rescue', durationMs: expect.any(Number) };
  const ids = { kind: 'refresh', grant: 'quickbooks#9341453', number: 8 };
  expect(lines).toEqual([
    { ...common, ...ids, level: 'INFO', correlationId: 'm-1', retries: 0, attemptId: 'a-1', outcome: 'stored' },
    {
      ...{ ...common, ...ids, level: 'ERROR', correlationId: 'm-2', retries: 6, attemptId: 'a-2' },
      ...{ code: 'unavailable', errorName: 'Error' },
    },
    {
      ...{ ...common, ...ids, level: 'ERROR', correlationId: 'm-3', retries: 0, attemptId: 'a-3' },
      ...{ code: 'internal_error', errorName: 'TypeError', errorAt: expect.any(String) },
    },
    {
      ...{ ...common, level: 'ERROR', correlationId: 'm-4', retries: 0 },
      ...{ code: 'internal_error', errorName: 'Error' },
    },
    {
      ...{ ...common, level: 'INFO', correlationId: 'm-5', retries: 0, kind: 'bank', grant: 'quickbooks#9341453' },
      ...{ attemptId: 'flow-1', outcome: 'stored' },
    },
  ]);
  expect(output.text()).not.toMatch(/secret|ciphertext|dataKey|cmVmcmVzaC/);
});

test('the time a message has ends before the function does', async () => {
  const deadlines: number[] = [];
  const handler = rescueHandler(async (_message, deadlineAt) => {
    deadlines.push(deadlineAt);
    return 'stored';
  });
  const before = Date.now();
  await handler({ Records: [record('m-1', BANK)] }, invokeContext(undefined, 45_000));
  expect(deadlines[0]).toBeGreaterThanOrEqual(before + 44_000);
  expect(deadlines[0]).toBeLessThanOrEqual(Date.now() + 44_000);
});

test('what is counted is written', async () => {
  const count = createCountMetric();
  const handler = rescueHandler(async () => {
    count(METRICS.rescueApplied, 1, { provider: 'xero', outcome: 'displace' });
    return 'displace';
  });
  await handler({ Records: [record('m-1', BANK)] }, invokeContext());
  expect(output.text()).toContain('"RescueApplied":1');
});

test.for([undefined, {}, { Records: {} }, { Records: [{ messageId: 'm-1' }] }])(
  'an event that is not of SQS is thrown whole: %j',
  async (event) => {
    const handler = rescueHandler(async () => 'stored');
    await expect(handler(event, invokeContext())).rejects.toEqual(new GrantkeeperError('invalid_request'));
  },
);

test('an empty batch is done', async () => {
  expect(await rescueHandler(async () => 'stored')({ Records: [] }, invokeContext())).toEqual({
    batchItemFailures: [],
  });
});
