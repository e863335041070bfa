import { expect, test } from 'vitest';
import { createHandler } from '../../functions/rescue.ts';
import { encodeRescue } from '../../lib/aws/rescue-queue.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { HOUR, quickbooksGrant, T0 } from '../support/grants.ts';
import { createRescueWorld, GENERATION, queuedTokens } from '../support/rescues.ts';

const output = captureOutput();
const LEASE = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + HOUR } as const;
const ISSUED = queuedTokens();
const EVENT = {
  Records: [
    {
      messageId: 'm-1',
      body: encodeRescue({ v: 1, kind: 'refresh', issued: ISSUED }),
      attributes: { ApproximateReceiveCount: '1' },
    },
  ],
};

test('tokens from the queue are on their grant, and the message is done', async () => {
  const world = createRescueWorld();
  await world.seed(quickbooksGrant({ generation: GENERATION, number: 8, attempt: LEASE }));
  const handler = createHandler(() => world.ports);
  expect(await handler(EVENT, invokeContext())).toEqual({ batchItemFailures: [] });
  expect(await world.grant()).toMatchObject({ tokenVersion: 8, access: ISSUED.access, current: ISSUED.refresh });
  expect(await handler(EVENT, invokeContext())).toEqual({ batchItemFailures: [] });
  expect(world.counted).toEqual(['RescueApplied commit 1', 'RescueApplied stored 1']);
  expect(output.lines()).toMatchObject([{ outcome: 'commit' }, { outcome: 'stored' }]);
});

test('while settings are missing nothing is lost', async () => {
  const handler = createHandler(() => {
    throw new Error('no settings');
  });
  expect(await handler(EVENT, invokeContext())).toEqual({ batchItemFailures: [{ itemIdentifier: 'm-1' }] });
});
