import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHandler, handler } from '../../functions/refresh-grant.ts';
import { ERRORS } from '../../lib/domain/errors.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../support/grants.ts';
import { createRefreshWorld, ok } from '../support/refresh-world.ts';

const output = captureOutput();
beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ['Date'] });
});
afterEach(() => vi.useRealTimers());

const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};
const REQUEST = { grant: 'quickbooks#9341453', trigger: 'expiring', neededUntil: T0 + 10 * MINUTE } as const;

test('an expired grant is refreshed and the answer holds no token', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('secret-access-8', 'secret-refresh-8')];
  const event = { ...REQUEST, correlationId: 'job-1' };
  const answer = await createHandler(() => world.ports)(event, invokeContext(undefined, 80_000));
  expect(answer).toEqual({ outcome: 'commit' });
  expect(world.sent).toHaveLength(1);
  expect(output.text()).not.toContain('secret-');
  expect(output.lines()).toEqual([
    {
      level: 'INFO',
      message: 'invocation',
      correlationId: 'job-1',
      function: 'refresh-grant',
      grant: 'quickbooks#9341453',
      trigger: 'expiring',
      outcome: 'commit',
      durationMs: expect.any(Number),
    },
  ]);
});

test('nothing is started that could outlast the function', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const answer = await createHandler(() => world.ports)(REQUEST, invokeContext(undefined, 70_999));
  expect(answer).toEqual({ outcome: 'out_of_time' });
  expect(world.sent).toEqual([]);
});

test.for([
  [undefined, 'input'],
  [{ trigger: 'duty' }, 'grant'],
  [{ grant: 'sage#1', trigger: 'duty' }, 'grant'],
  [{ grant: 'xero#', trigger: 'duty' }, 'grant'],
  [{ grant: 'xero#1', trigger: 'now' }, 'trigger'],
  [{ grant: 'xero#1', trigger: 'rejected', rejectedVersion: '7' }, 'rejectedVersion'],
  [{ grant: 'xero#1', trigger: 'tenant', connection: { organizationId: 'acme', linkId: 1 } }, 'connection.linkId'],
  [{ grant: 'xero#1', trigger: 'duty', force: true }, 'force'],
] as const)('%j is refused by field %s', async ([event, field]) => {
  expect(await createHandler(() => createRefreshWorld().ports)(event, invokeContext())).toEqual({
    status: 'error',
    code: 'invalid_request',
    message: ERRORS.invalid_request.message,
    field,
  });
});

test('the deployed handler without its variables says which', async () => {
  const { message } = ERRORS.configuration_missing;
  const answer = await handler({ grant: 'xero#1', trigger: 'duty' }, invokeContext());
  expect(answer).toEqual({ status: 'error', code: 'configuration_missing', message });
  expect(output.lines()).toMatchObject([
    {
      missing:
        'GK_ENVIRONMENT GK_KEY_ARN GK_PROVIDER_ENVIRONMENT GK_RESCUE_QUEUE_URL GK_TABLE_GRANTS GK_TABLE_CONNECTIONS GK_TABLE_AUDIT GK_RESCUE_DEAD_LETTER_URL GK_EVENT_BUS',
    },
  ]);
});
