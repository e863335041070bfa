import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, expect, test, vi } from 'vitest';
import { createDynamoClient } from '../../lib/aws/clients.ts';
import type { FunctionName } from '../../lib/domain/names.ts';
import { allowQuickBooks, allowXero, connect, REALMS, whereOf, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { functionNamed } from '../../local/function-names.ts';
import { placeOf, tableNameOf } from '../../local/seed.ts';
import { useWorld } from './fixture.ts';

/** What happens seldom and needs permissions of its own: each role's policy is used up to its last action by the end-to-end tests. */

// Some of these wait for the product's own two and ten seconds, on a busy machine.
vi.setConfig({ testTimeout: 90_000 });

const world = useWorld();
const ACME = { organizationId: 'acme', provider: 'quickbooks' } as const;
const CEDAR = { organizationId: 'cedar', provider: 'quickbooks' } as const;
const QUEUE = 'grantkeeper-local-rescue';

afterEach(() => world().platform.aws.dynamoDb.clearFaults());

const until = (what: () => unknown, expected: unknown) =>
  vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 30_000, interval: 50 });

/** Writes of the function that mention all the texts fail, until the faults are cleared. */
function refuse(name: FunctionName, ...texts: readonly string[]): void {
  const { aws, assembly } = world().platform;
  aws.dynamoDb.failNext({
    operation: 'TransactWriteItems',
    code: 'InternalServerError',
    times: Number.POSITIVE_INFINITY,
    principal: functionNamed(assembly, name).name,
    matches: (input) => texts.every((text) => JSON.stringify(input).includes(text)),
  });
}

/** What the logs say since then of the messages that a function dealt with. */
function endsOf(name: FunctionName, since: number): readonly unknown[] {
  const lines = world().platform.logs().slice(since);
  return lines
    .filter(({ function: of, line }) => of === name && line.includes('"message":"invocation"'))
    .map(({ line }) => (JSON.parse(line) as { readonly outcome?: string }).outcome);
}

/** How often the role of the function was allowed the action by now. */
function timesAllowed(name: FunctionName, action: string): number {
  const uses = world().platform.guardReport().allowed;
  const own = uses.filter((use) => use.principal === `grantkeeper-local-${name}` && use.action === action);
  return own.reduce((sum, { count }) => sum + count, 0);
}

const healthOf = async (organizationId: string, provider: 'quickbooks' | 'xero') =>
  (await world().api.status(organizationId, provider)).body.health;

/** The id of the latest rescue message's attempt. */
function rescuedAttempt(): string {
  const [message] = world().platform.aws.sqs.sent().slice(-1);
  const found = /"attemptId":"([^"]+)"/.exec(message ?? '')?.[1];
  if (found === undefined) throw new Error('there is no rescue message');
  return found;
}

async function connectBoth(): Promise<void> {
  for (const [organizationId, realm] of [
    ['acme', REALMS.acme],
    ['cedar', REALMS.cedar],
  ] as const) {
    const { page } = await connect(world(), {
      organizationId,
      provider: 'quickbooks',
      consent: allowQuickBooks(realm),
    });
    expect(whereOf(page)).toBe('/settings/integrations?connected=true&system=quickbooks');
    expect(await world().tokens.get({ organizationId, provider: 'quickbooks' })).toMatchObject({ status: 'ok' });
  }
}

test('tokens the schedule could not store in time are rescued, and it notices that they were', async () => {
  await connectBoth();
  const { platform, tokens } = world();
  const before = await tokens.need(ACME);
  const sent = platform.aws.sqs.sent().length;
  refuse('refresh-due', 'attempt.ok', `quickbooks#${REALMS.acme}`);
  // 25 minutes before expiry the schedule refreshes what is in use.
  const sweeping = platform.advance(35 * 60);
  await until(() => platform.aws.sqs.sent().length - sent, 1);
  await until(async () => (await tokens.need(ACME)).tokenVersion, before.tokenVersion + 1);
  // The grant goes on while the sweep still tries to store what is stored already.
  const rejected = { tokenVersion: before.tokenVersion + 1, reason: 'token' } as const;
  await until(async () => {
    const answer = await tokens.get({ ...ACME, rejected });
    return answer.status === 'ok' && answer.tokenVersion;
  }, before.tokenVersion + 2);
  platform.aws.dynamoDb.clearFaults();
  await until(() => timesAllowed('refresh-due', 'dynamodb:Query') > 0, true);
  await sweeping;
});

test('a reader’s refresh that is stored by the queue while its function still tries is not stored twice', async () => {
  const { platform, tokens, providers } = world();
  const before = await tokens.need(ACME);
  const sent = platform.aws.sqs.sent().length;
  // Callers can force one refresh of a grant in a minute.
  platform.clock.advance(61);
  refuse('refresh-grant', 'attempt.ok');
  const reader = tokens.get({ ...ACME, rejected: { tokenVersion: before.tokenVersion, reason: 'token' } });
  await until(() => platform.aws.sqs.sent().length - sent, 1);
  const attempt = rescuedAttempt();
  platform.aws.dynamoDb.clearFaults();
  refuse('refresh-grant', `#${attempt}#attempt.ok`);
  await until(async () => (await tokens.need(ACME)).tokenVersion > before.tokenVersion, true);
  const rescued = await tokens.need(ACME);
  platform.clock.advance(61);
  const next = await tokens.need({ ...ACME, rejected: { tokenVersion: rescued.tokenVersion, reason: 'token' } });
  expect(next.tokenVersion).toBe(rescued.tokenVersion + 1);
  const queries = timesAllowed('refresh-grant', 'dynamodb:Query');
  platform.aws.dynamoDb.clearFaults();
  await until(() => timesAllowed('refresh-grant', 'dynamodb:Query') > queries, true);
  await reader;
  const refreshes = await providers.quickbooks.refreshes(REALMS.acme);
  expect(refreshes.slice(-2).map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  expect((await tokens.need(ACME)).tokenVersion).toBe(next.tokenVersion);
});

test('a rescue message that comes again after the grant has gone on is recognised', async () => {
  const { platform } = world();
  const since = platform.logs().length;
  const [body = ''] = platform.aws.sqs.sent().slice(-1);
  const { awsEndpointUrl: endpoint, region, credentials } = platform;
  const client = new SQSClient({ endpoint, region, credentials: { ...credentials } });
  const QueueUrl = `${endpoint}/000000000000/${QUEUE}`;
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  client.destroy();
  await until(() => endsOf('rescue', since), ['stored']);
  expect(timesAllowed('rescue', 'dynamodb:Query')).toBe(1);
});

test('an exchange whose tokens were rescued notices that a newer authorisation has followed', async () => {
  const { platform } = world();
  const flow = { organizationId: 'acme', provider: 'quickbooks', consent: allowQuickBooks(REALMS.acme) } as const;
  const sent = platform.aws.sqs.sent().length;
  refuse('finish-connect', 'grant.banked');
  const first = connect(world(), flow);
  await until(() => platform.aws.sqs.sent().length - sent, 1);
  const attempt = rescuedAttempt();
  platform.aws.dynamoDb.clearFaults();
  refuse('finish-connect', `#${attempt}#grant.banked`);
  const second = await connect(world(), flow);
  expect(whereOf(second.page)).toBe('/settings/integrations?connected=true&system=quickbooks');
  // A refresh that succeeds lets go of what the second authorisation displaced.
  platform.clock.advance(61);
  const { tokenVersion } = await world().tokens.need(ACME);
  await world().tokens.need({ ...ACME, rejected: { tokenVersion, reason: 'token' } });
  platform.aws.dynamoDb.clearFaults();
  await until(() => timesAllowed('finish-connect', 'dynamodb:Query') > 0, true);
  await first;
  expect(await world().tokens.get(ACME)).toMatchObject({ status: 'ok' });
});

test('after a refresher that died the next one asks the rescue queues before it sends', async () => {
  const { platform, tokens, providers } = world();
  await providers.quickbooks.fault({ endpoint: 'token', kind: 'slow', delayMs: 40_000 });
  const { tokenVersion } = await tokens.need(ACME);
  platform.clock.advance(61);
  const before = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  const reader = tokens.get({ ...ACME, rejected: { tokenVersion, reason: 'token' } });
  await until(async () => (await providers.quickbooks.refreshes(REALMS.acme)).length - before, 1);
  await platform.killFunction('refresh-grant');
  await reader;
  platform.clock.advance(130);
  const counts = timesAllowed('refresh-grant', 'sqs:GetQueueAttributes');
  await tokens.get({ ...ACME, rejected: { tokenVersion, reason: 'token' } });
  expect(timesAllowed('refresh-grant', 'sqs:GetQueueAttributes')).toBeGreaterThan(counts);
  // The answer that was lost had rotated: at QuickBooks the old value is dead, and only its user can mend that.
  await platform.advance(60);
  const flow = { organizationId: 'acme', provider: 'quickbooks', consent: allowQuickBooks(REALMS.acme) } as const;
  expect(whereOf((await connect(world(), flow)).page)).toContain('connected=true');
});

test('a company taken away at Xero is noticed by the schedule, or at once when a caller reports it', async () => {
  const { platform, tokens, providers } = world();
  const link = async (organizationId: string, tenantId: string) => {
    const consent = allowXero('accountant', [tenantId]);
    const { page } = await connect(world(), { organizationId, provider: 'xero', consent, tenantId });
    expect(whereOf(page)).toBe('/settings/integrations?connected=true&system=xero');
  };
  await link('acme', XERO_ORGANISATIONS.acme);
  await providers.xero.revoke(XERO_ORGANISATIONS.acme);
  await platform.advance(240);
  expect(await healthOf('acme', 'xero')).toBe('tenant_lost');
  expect(timesAllowed('refresh-due', 'dynamodb:UpdateItem')).toBeGreaterThan(0);

  await link('birch', XERO_ORGANISATIONS.birch);
  const { tokenVersion } = await tokens.need({ organizationId: 'birch', provider: 'xero' });
  await providers.xero.revoke(XERO_ORGANISATIONS.birch);
  const rejected = { tokenVersion, reason: 'tenant' } as const;
  const answer = await tokens.get({ organizationId: 'birch', provider: 'xero', rejected });
  expect(answer).toMatchObject({ status: 'error', code: 'tenant_lost', reconnectRequired: true });
});

test('a user who revoked is given up on evidence, by whoever asks first', async () => {
  const { platform, tokens, providers } = world();
  const { tokenVersion } = await tokens.need(ACME);
  await providers.quickbooks.revoke(REALMS.acme);
  const rejected = { tokenVersion, reason: 'token' } as const;
  expect(await tokens.get({ ...ACME, rejected })).toMatchObject({ code: 'refresh_rejected' });
  await platform.advance(20 * 60);
  expect(await healthOf('acme', 'quickbooks')).toBe('suspect');
  // Not long before its next try, so that what the sweep saw of QuickBooks is still news then.
  while ((await waitMs()) > 100_000 || (await waitMs()) < 5_000) await platform.advance(60);
  // Somebody else's refresh succeeds: now QuickBooks is known to be well, and a reader comes before the sweep.
  const other = await tokens.need(CEDAR);
  const renewed = await tokens.need({ ...CEDAR, rejected: { tokenVersion: other.tokenVersion, reason: 'token' } });
  expect(renewed.tokenVersion).toBe(other.tokenVersion + 1);
  platform.clock.advance(Math.ceil((await waitMs()) / 1000) + 1);
  await tokens.get({ ...ACME, rejected });
  expect(await healthOf('acme', 'quickbooks')).toBe('needs_reauth');
  expect(timesAllowed('refresh-grant', 'dynamodb:ConditionCheckItem')).toBeGreaterThan(0);
});

test('or by the schedule', async () => {
  const { platform, tokens, providers } = world();
  const flow = { organizationId: 'acme', provider: 'quickbooks', consent: allowQuickBooks(REALMS.acme) } as const;
  expect(whereOf((await connect(world(), flow)).page)).toContain('connected=true');
  const { tokenVersion } = await tokens.need(CEDAR);
  await providers.quickbooks.revoke(REALMS.cedar);
  platform.clock.advance(61);
  expect(await tokens.get({ ...CEDAR, rejected: { tokenVersion, reason: 'token' } })).toMatchObject({
    status: 'error',
  });
  await platform.advance(20 * 60);
  expect(await healthOf('cedar', 'quickbooks')).toBe('suspect');
  const other = await tokens.need(ACME);
  await tokens.need({ ...ACME, rejected: { tokenVersion: other.tokenVersion, reason: 'token' } });
  await platform.advance(6 * 60);
  expect(await healthOf('cedar', 'quickbooks')).toBe('needs_reauth');
  expect(timesAllowed('refresh-due', 'dynamodb:ConditionCheckItem')).toBeGreaterThan(0);
});

/** Until the suspect grant may be tried again. */
async function waitMs(): Promise<number> {
  const { platform } = world();
  const grants = (await platform.dumpTables())[tableNameOf(platform.assembly, 'grants')] ?? [];
  const grant = grants.find(({ pk }) => pk === `quickbooks#${REALMS.acme}`);
  return Number(grant?.notBefore) - platform.clock.now();
}

test('more than a run can do is shared with copies of the function', async () => {
  const { platform } = world();
  const access = { ...platform, endpointUrl: platform.awsEndpointUrl };
  const client = createDynamoClient(placeOf(access));
  const table = tableNameOf(platform.assembly, 'grants');
  const grants = (await platform.dumpTables())[table] ?? [];
  const fresh = grants.find(({ pk }) => pk === `quickbooks#${REALMS.acme}`);
  // Fresh grants that are due too early: each is a read and a new date, and nobody's token is touched.
  const strays = Array.from({ length: 525 }, (_, index) => {
    const due = { duePartition: `quickbooks#${String(index % 16).padStart(2, '0')}`, dueAt: 1 };
    return { ...fresh, pk: `quickbooks#8${index}`, subject: `8${index}`, ...due };
  });
  await Promise.all(strays.map((Item) => client.send(new PutCommand({ TableName: table, Item }))));
  client.destroy();
  const since = platform.logs().length;
  await platform.advance(60);
  const lines = platform.logs().slice(since);
  expect(lines.filter(({ line }) => line.includes('a share of the sweep was handed over')).length).toBeGreaterThan(2);
  // The copies run by themselves.
  const isStray = ({ pk, dueAt }: Record<string, unknown>) => /#8\d+$/.test(String(pk)) && dueAt === 1;
  await until(async () => (await platform.dumpTables())[table]?.filter(isStray), []);
});

test('nothing was refused to any role', () => {
  expect(world().platform.guardReport().denied).toEqual([]);
});
