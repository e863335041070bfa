import { expect, test } from 'vitest';
import type { DutyOutcome, TokenOutcome } from '../../../lib/domain/outcome.ts';
import { refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createConnectWorld, quickbooksWorld, REALM } from '../../support/connect-world.ts';
import { HOUR, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

/** A provider's own id of a request is what its support asks for first: it stands in the line that tells how the request ended. */
const traceId = 'tid-1';
const KEY = 'quickbooks#9341453';

/** The lines that name the trace id, without it. */
function traced(lines: readonly string[]): { message: string; fields: object }[] {
  return lines.flatMap((line) => {
    const [, message = '', json = '{}'] = /^\w+ ([^{]+) (\{.*\})$/.exec(line) ?? [];
    const { providerTraceId, ...fields } = JSON.parse(json);
    return providerTraceId === traceId ? [{ message, fields }] : [];
  });
}

async function refreshed(outcome: TokenOutcome): Promise<RefreshWorld> {
  const world = createRefreshWorld();
  await world.given({ access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 } });
  world.script.refresh = [{ ...outcome, traceId } as TokenOutcome];
  await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 80_000);
  return world;
}

test('of a refresh that brought tokens', async () => {
  const world = await refreshed(ok('access-8', 'refresh-8'));
  expect(traced(world.logged)).toEqual([
    {
      message: 'tokens were issued',
      fields: {
        provider: 'quickbooks',
        grant: KEY,
        attemptId: 'id-2',
        tokenVersion: 8,
        outcome: 'ok',
        kind: 'commit',
        durationMs: expect.any(Number),
      },
    },
  ]);
  expect(world.logged.join()).not.toMatch(/access-8|refresh-8/);
});

test.for<[string, TokenOutcome]>([
  ['unknown', { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' }],
  ['rejected', { kind: 'REJECTED', reason: 'invalid_grant' }],
  ['throttled', { kind: 'THROTTLED', reason: 'http_429' }],
])('of a refresh that ended as %s', async ([, outcome]) => {
  const { logged } = await refreshed(outcome);
  const { kind, reason } = outcome as Extract<TokenOutcome, { reason: string }>;
  expect(traced(logged)).toEqual([
    {
      message: 'refresh did not succeed',
      fields: { provider: 'quickbooks', grant: KEY, attemptId: 'id-2', outcome: kind, reason, durationMs: 0 },
    },
  ]);
});

test('of an exchange, in the line that tells how the flow ended', async () => {
  const world = quickbooksWorld();
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  const lines = world.log
    .map((line) => JSON.parse(line))
    .filter(({ providerTraceId }) => providerTraceId === 'trace-1');
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'connect',
      outcome: 'linked',
      provider: 'quickbooks',
      organizationId: 'acme',
      flowId: sessionId,
      grant: `quickbooks#${REALM}`,
      durationMs: expect.any(Number),
      providerTraceId: 'trace-1',
    },
  ]);
});

test('of an exchange that brought nothing', async () => {
  const world = createConnectWorld();
  world.provider.state.outcomes = [{ kind: 'REJECTED', reason: 'invalid_grant', traceId }];
  await world.connect('acme', 'quickbooks', REALM);
  const lines = world.log.map((line) => JSON.parse(line)).filter(({ providerTraceId }) => providerTraceId === traceId);
  expect(lines).toMatchObject([{ message: 'code exchange failed', outcome: 'REJECTED', reason: 'invalid_grant' }]);
});

async function revoked(outcome: DutyOutcome): Promise<RefreshWorld> {
  const world = createRefreshWorld();
  const { access: _a, orgs: _o, ...closing } = await world.given();
  await world.put({ ...closing, status: 'closing', dueAt: T0 });
  world.script.duty = [{ ...outcome, traceId } as DutyOutcome];
  await refreshGrant(world.ports, { grant: KEY, trigger: 'duty' }, T0 + 80_000);
  return world;
}

test.for<[string, DutyOutcome, string]>([
  ['that was done', { kind: 'DONE', reason: 'http_200' }, 'a token was revoked'],
  [
    'that has to be repeated',
    { kind: 'RETRY', reason: 'http_503' },
    'a disconnect could not be completed at the provider yet',
  ],
])('of a revocation %s', async ([, outcome, message]) => {
  const { logged } = await revoked(outcome);
  const fields = { provider: 'quickbooks', grant: KEY, attemptId: 'id-3', reason: outcome.reason };
  expect(traced(logged)).toEqual([{ message, fields }]);
});

test('a company that was taken off is told, one that was claimed again is not', async () => {
  const world = createRefreshWorld();
  const detach = { c1: { tenantId: 't1', since: T0 }, c2: { tenantId: 't2', since: T0 } };
  await world.given({ detach, orgs: new Set(['globex']) }, xeroGrant());
  await world.claim('t2');
  world.script.duty = [{ kind: 'DONE', reason: 'http_204' }];
  await refreshGrant(world.ports, { grant: 'xero#user-1', trigger: 'duty' }, T0 + 80_000);
  expect(world.logged).toEqual([
    'info a company was taken off {"provider":"xero","grant":"xero#user-1","attemptId":"id-3","reason":"http_204"}',
  ]);
});
