import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditRow } from '../../lib/domain/audit.ts';
import { appendAudit } from '../../lib/domain/write.ts';
import { DAY, MINUTE, quickbooksConnection, quickbooksGrant, T0 } from '../support/grants.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeAll(async () => {
  world = await startOpsWorld();
  const grant = quickbooksGrant({ lastUsedAt: T0 });
  const connection = quickbooksConnection();
  const row = { provider: 'quickbooks', id: 'a7' } as const;
  const ofGrant = { ...row, pk: `GRANT#${grant.pk}` } as const;
  await world.put(
    { table: 'grants', key: { pk: grant.pk }, when: [], op: 'put', item: grant },
    { table: 'connections', key: { pk: connection.pk, sk: 'quickbooks' }, when: [], op: 'put', item: connection },
    appendAudit(auditRow({ ...row, pk: 'ORG#acme', event: 'connection.linked', at: T0 - DAY, startedAt: T0 - DAY })),
    appendAudit(
      auditRow({
        ...ofGrant,
        event: 'attempt.unknown',
        reason: 'http_503',
        number: 6,
        at: T0 - MINUTE,
        startedAt: T0 - MINUTE,
        providerTraceId: '1-abc',
      }),
    ),
    appendAudit(auditRow({ ...ofGrant, event: 'attempt.ok', number: 7, at: T0, startedAt: T0 - 800 })),
    appendAudit(auditRow({ ...ofGrant, event: 'attempt.ok', number: 1, at: T0 - 31 * DAY, startedAt: T0 - 31 * DAY })),
    appendAudit(auditRow({ ...row, provider: 'xero', pk: 'ORG#acme', event: 'flow.started', at: T0, startedAt: T0 })),
  );
});
afterAll(() => world.stop());

test('a connection is explained with its audit of the month, newest first, by the deployed settings', async () => {
  const { text, told, exitCode } = await world.run('explain acme quickbooks --env dev');
  expect(text).toBe(`acme is connected and well

health     healthy
get-token  the stored access token, which expires 2026-11-20 13:00:00Z (in 60 min)

why
  its access token is valid until 2026-11-20 13:00:00Z (in 60 min)
  “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (0 s ago)

next
  it is refreshed 2026-11-20 12:32:38Z (in 33 min), ahead of its expiry, because it is in use

audit
  2026-11-20 12:00:00Z  attempt.ok  attempt 7
  2026-11-20 11:59:00Z  attempt.unknown  attempt 6  http_503  trace 1-abc
  2026-11-19 12:00:00Z  connection.linked
`);
  expect(told).toMatchObject({
    organization: 'acme',
    provider: 'quickbooks',
    situation: 'healthy',
    health: 'healthy',
    audit: [
      { at: '2026-11-20T12:00:00.000Z', event: 'attempt.ok', number: 7 },
      { event: 'attempt.unknown', reason: 'http_503', providerTraceId: '1-abc' },
      { event: 'connection.linked' },
    ],
  });
  expect(exitCode).toBe(0);
});

test('it knows that the sweep is paused', async () => {
  await world.run('pause --env dev --yes');
  const { text } = await world.run('explain acme quickbooks --env dev');
  expect(text).toContain('\n  the sweep is paused: none of this happens until npm run ops -- resume\n');
  await world.run('resume --env dev');
});

test('an organisation nobody knows is said to be one', async () => {
  expect((await world.run('explain birch xero --env dev')).told).toMatchObject({ situation: 'unknown', audit: [] });
});
