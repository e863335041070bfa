import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { FunctionName } from '../../lib/domain/names.ts';
import { allowQuickBooks, connect, whereOf } from '../../local/demo/world.ts';
import { functionNamed } from '../../local/function-names.ts';
import { useWorld } from './fixture.ts';

/** The rescue queue as it is deployed: queue, mapping, roles and the functions at both ends. */

// A reader's 10 s and some cold starts, on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const world = useWorld();
const QUEUE = 'grantkeeper-local-rescue';
const EMPTY = { waiting: 0, taken: 0, delayed: 0 };
const REALM = '9341453000000001';
const QUESTION = { organizationId: 'acme', provider: 'quickbooks' } as const;

beforeEach(() => world().platform.aws.dynamoDb.clearFaults());

/** Writes of the function that mention the text fail, until the faults are cleared. */
function refuse(name: FunctionName, text: string): void {
  const { aws, assembly } = world().platform;
  aws.dynamoDb.failNext({
    operation: 'TransactWriteItems',
    code: 'InternalServerError',
    times: Number.POSITIVE_INFINITY,
    principal: functionNamed(assembly, name).name,
    matches: (input) => JSON.stringify(input).includes(text),
  });
}

/** What rescue said of the messages since: an outcome, or the code of what kept it from storing. */
function rescueEnds(since = 0): readonly unknown[] {
  const lines = world().platform.logs().slice(since);
  const own = lines.filter(({ function: name, line }) => name === 'rescue' && line.includes('"invocation"'));
  return own.map(({ line }) => {
    const { outcome, code } = JSON.parse(line) as { readonly outcome?: string; readonly code?: string };
    return outcome ?? code;
  });
}

const until = (what: () => unknown, expected: unknown) =>
  vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 15_000, interval: 50 });

test('a connect goes on once rescue has stored what DynamoDB did not take, and the code is sent once', async () => {
  refuse('finish-connect', 'grant.banked');
  const connecting = connect(world(), { ...QUESTION, consent: allowQuickBooks(REALM) });
  await until(() => rescueEnds(), ['banked']);
  world().platform.aws.dynamoDb.clearFaults();
  const { page } = await connecting;
  expect(whereOf(page)).toBe('/settings/integrations?connected=true&system=quickbooks');
  const ledger = await world().providers.quickbooks.ledger();
  expect(ledger.map(({ grantType, outcome }) => [grantType, outcome])).toEqual([['authorization_code', 'ok']]);
  expect(await world().platform.aws.sqs.countsOf(QUEUE)).toEqual(EMPTY);
  expect(await world().tokens.get(QUESTION)).toMatchObject({ status: 'ok' });
});

describe('a refresher that dies with its tokens on the queue', () => {
  test('loses nothing while rescue cannot store them either: they come again after five minutes', async () => {
    const { platform, tokens, providers } = world();
    const since = platform.logs().length;
    const before = await tokens.need(QUESTION);
    const refreshesBefore = (await providers.quickbooks.refreshes(REALM)).length;
    refuse('refresh-grant', 'attempt.ok');
    refuse('rescue', 'attempt.ok');
    platform.clock.advance(3_601);
    const reader = tokens.get(QUESTION);
    await until(async () => (await platform.aws.sqs.countsOf(QUEUE)).taken, 1);
    await platform.killFunction('refresh-grant');
    await platform.killFunction('rescue');
    await reader;
    platform.aws.dynamoDb.clearFaults();
    await platform.advance(120);
    expect(await platform.aws.sqs.countsOf(QUEUE)).toEqual({ waiting: 0, taken: 1, delayed: 0 });

    // The sweep finds the attempt that never reported first, but does not send the spent token while a new one waits.
    await platform.advance(240);
    const refreshes = (await providers.quickbooks.refreshes(REALM)).slice(refreshesBefore);
    expect(refreshes.map(({ outcome }) => outcome)).toEqual(['ok']);
    expect(rescueEnds(since)).toEqual(['displace']);
    expect(await platform.aws.sqs.countsOf(QUEUE)).toEqual(EMPTY);
    expect((await tokens.need(QUESTION)).tokenVersion).toBe(before.tokenVersion + 1);
  });
});

test('a message that nobody can read stays on the queue', async () => {
  const { platform } = world();
  const since = platform.logs().length;
  const { awsEndpointUrl: endpoint, region, credentials } = platform;
  const client = new SQSClient({ endpoint, region, credentials: { ...credentials } });
  const QueueUrl = `${endpoint}/000000000000/${QUEUE}`;
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'not for us' }));
  client.destroy();
  await until(() => rescueEnds(since).length, 1);
  await until(() => platform.aws.sqs.countsOf(QUEUE), { waiting: 0, taken: 1, delayed: 0 });
});

test('every role was allowed what it did', () => {
  const { allowed, denied } = world().platform.guardReport();
  expect(denied).toEqual([]);
  const used = allowed.filter(({ action }) => action.startsWith('sqs:'));
  const name = (principal: string) => principal.replace('grantkeeper-local-', '');
  expect(used.map(({ principal, statement, action }) => `${name(principal)} ${statement} ${action}`).sort()).toEqual([
    'finish-connect SendRescues sqs:SendMessage',
    'refresh-due CountRescues sqs:GetQueueAttributes',
    'refresh-grant SendRescues sqs:SendMessage',
    'rescue ReceiveRescues sqs:DeleteMessage',
    'rescue ReceiveRescues sqs:GetQueueAttributes',
    'rescue ReceiveRescues sqs:ReceiveMessage',
  ]);
});
