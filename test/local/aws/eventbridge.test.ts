import { ListRulesCommand, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
  fixture.events.addBus('grantkeeper');
});
afterAll(() => fixture.stop());

const entry = (more: PutEventsRequestEntry = {}): PutEventsRequestEntry => ({
  EventBusName: 'grantkeeper',
  Source: 'grantkeeper',
  DetailType: 'Connection Created',
  Detail: '{"provider":"xero"}',
  ...more,
});
const put = (Entries: PutEventsRequestEntry[]) => fixture.admin.events.send(new PutEventsCommand({ Entries }));

test('accepted events are remembered, the last three here, with detail parsed', async () => {
  await put([entry({ DetailType: 'one' }), entry({ DetailType: 'two' })]);
  const { FailedEntryCount, Entries = [] } = await put([
    entry({ DetailType: 'three', EventBusName: 'arn:aws:events:us-east-1:000000000000:event-bus/grantkeeper' }),
    entry({ DetailType: 'four', EventBusName: undefined, Time: new Date(1_795_132_800_000), Resources: ['arn:x'] }),
  ]);
  expect(FailedEntryCount).toBe(0);
  expect(fixture.events.events().map(({ detailType, bus }) => [detailType, bus])).toEqual([
    ['two', 'grantkeeper'],
    ['three', 'grantkeeper'],
    ['four', 'default'],
  ]);
  expect(fixture.events.events()[2]).toEqual({
    id: Entries[1]?.EventId,
    bus: 'default',
    source: 'grantkeeper',
    detailType: 'four',
    detail: { provider: 'xero' },
    resources: ['arn:x'],
    at: 1_795_132_800_000,
    principal: 'admin',
  });
});

test.for<[PutEventsRequestEntry, string, string]>([
  [{ Source: undefined }, 'InvalidArgument', 'Parameter Source is not valid. Reason: Source is a required argument.'],
  [
    { DetailType: '' },
    'InvalidArgument',
    'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
  ],
  [{ Detail: undefined }, 'InvalidArgument', 'Parameter Detail is not valid. Reason: Detail is a required argument.'],
  [{ Detail: '{' }, 'MalformedDetail', 'Detail is malformed.'],
  [{ Detail: '[1]' }, 'MalformedDetail', 'Detail is malformed.'],
  [{ Source: 'aws.s3' }, 'NotAuthorizedForSourceException', 'Not authorized for the source.'],
  [{ EventBusName: 'other' }, 'ResourceNotFoundException', 'Event bus other does not exist.'],
])('a bad entry %j fails alone', async ([more, ErrorCode, ErrorMessage]) => {
  const { FailedEntryCount, Entries = [] } = await put([entry(more), entry()]);
  expect([FailedEntryCount, Entries[0], typeof Entries[1]?.EventId]).toEqual([
    1,
    { ErrorCode, ErrorMessage },
    'string',
  ]);
});

test('accepted events go to the targets of the rules that let them through', async () => {
  const detailTypes = ['Connection Disconnected'];
  fixture.events.addRule({ name: 'ends', bus: 'grantkeeper', enabled: true, detailTypes, targetArns: ['arn:target'] });
  const { Entries = [] } = await put([
    entry(),
    entry({ DetailType: 'Connection Disconnected' }),
    entry({ Detail: '{' }),
  ]);
  expect(fixture.events.deliveries().map(({ rule, targetArn, event }) => [rule, targetArn, event.id])).toEqual([
    ['ends', 'arn:target', Entries[1]?.EventId],
  ]);
});

test('at most 10 entries and 256 KiB', async () => {
  expect([
    (await refusalOf(put(Array.from({ length: 11 }, () => entry())))).name,
    (await refusalOf(put([entry({ Detail: `"${'x'.repeat(262_144)}"` })]))).name,
    (await refusalOf(put([]))).name,
  ]).toEqual(['ValidationException', 'ValidationException', 'ValidationException']);
});

test('a role may put on its bus with its source only', async () => {
  const { events } = fixture.asRole('publisher', [
    {
      Effect: 'Allow',
      Action: 'events:PutEvents',
      Resource: 'arn:aws:events:us-east-1:000000000000:event-bus/grantkeeper',
      Condition: { StringEquals: { 'events:source': 'grantkeeper' } },
    },
  ]);
  const outcome = async (more: PutEventsRequestEntry) =>
    (await refusalOf(events.send(new PutEventsCommand({ Entries: [entry(), entry(more)] })))).name;
  expect([await outcome({}), await outcome({ EventBusName: 'default' }), await outcome({ Source: 'other' })]).toEqual([
    'none',
    'AccessDeniedException',
    'AccessDeniedException',
  ]);
  expect((await refusalOf(fixture.admin.events.send(new ListRulesCommand({})))).name).toBe('UnknownOperationException');
});
