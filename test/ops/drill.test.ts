import { SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { afterEach, expect, test } from 'vitest';
import { metricAlarm, PAGE_TOPIC, pageAlarm, TICKET_TOPIC } from './alarm-definitions.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

const ALARMS = [
  metricAlarm('sweep-heartbeat'),
  metricAlarm('circuit-open'),
  metricAlarm('quiet', []),
  pageAlarm(['sweep-heartbeat']),
];
let world: OpsWorld;
async function start(alarms = ALARMS): Promise<void> {
  world = await startOpsWorld(alarms);
}
afterEach(() => world.stop());

const set = (id: string, StateValue: 'OK' | 'ALARM') =>
  world.clients.cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: `grantkeeper-dev-${id}`, StateValue, StateReason: 'given' }),
  );
const states = () =>
  world.aws.cloudWatch.alarms.statuses().map(({ definition, state }) => `${definition.name} ${state}`);

test('an alarm is set, seen to have told its topic, and set back', async () => {
  await start();
  expect(await world.run('drill circuit-open --env dev', 'dev')).toEqual({
    text: `circuit-open          told     ${TICKET_TOPIC}
told after 0 s; circuit-open is set back to OK. Has it arrived?
`,
    told: {
      dryRun: false,
      environment: 'dev',
      alarm: 'circuit-open',
      watched: [{ alarm: 'circuit-open', actions: [TICKET_TOPIC] }],
      ends: [{ alarm: 'circuit-open', arn: TICKET_TOPIC, end: 'told' }],
      tookMs: 0,
    },
    exitCode: 0,
    said: ['This sets circuit-open of dev to ALARM. CloudWatch tells:', `  ${TICKET_TOPIC}`, 'Type dev to go on: '],
  });
  expect(states()).toContain('grantkeeper-dev-circuit-open OK');
});

test('page sets one of its alarms and watches the composite; ticket takes one that does not page', async () => {
  await start();
  expect((await world.run('drill page --env dev --yes')).text).toBe(`sweep-heartbeat       told     ${TICKET_TOPIC}
page                  told     ${PAGE_TOPIC}
told after 0 s; sweep-heartbeat is set back to OK. Has it arrived?
`);
  expect((await world.run('drill ticket --env dev --dry-run')).text).toBe(
    `This sets circuit-open of dev to ALARM. CloudWatch tells:\n  ${TICKET_TOPIC}\nnothing was set\n`,
  );
  expect(states()).toContain('grantkeeper-dev-circuit-open INSUFFICIENT_DATA');
});

test('a topic that cannot be told is a failure, and the alarm is set back all the same', async () => {
  const gone = 'arn:aws:sns:us-east-1:000000000000:gone';
  await start([metricAlarm('circuit-open', [gone, TICKET_TOPIC])]);
  expect(await world.run('drill circuit-open --env dev --yes')).toMatchObject({
    text: `circuit-open          failed   ${gone} (Failed to execute action ${gone}. Received error: "it is no topic of this assembly")
circuit-open          told     ${TICKET_TOPIC}
not told; circuit-open is set back to OK. Look at the topic’s policy, its key and its subscriptions
`,
    exitCode: 1,
  });
  expect(states()).toEqual(['grantkeeper-dev-circuit-open OK']);
});

test('the alarm is set back also when the history cannot be read', async () => {
  await start();
  world.aws.cloudWatch.failNext({ operation: 'DescribeAlarmHistory', code: 'AccessDenied', times: 10 });
  expect(await world.refusal('drill circuit-open --env dev --yes')).toMatchObject({ name: 'AccessDenied' });
  expect(states()).toContain('grantkeeper-dev-circuit-open OK');
});

test('a composite that does not follow is waited for a minute and a half', async () => {
  await start([
    metricAlarm('sweep-heartbeat'),
    metricAlarm('refresh-lag'),
    pageAlarm(['sweep-heartbeat', 'refresh-lag'], 'AND'),
  ]);
  const { text, told, exitCode } = await world.run('drill page --env dev --yes');
  expect([exitCode, text.split('\n')[1]]).toEqual([1, `page                  silence  ${PAGE_TOPIC}`]);
  expect(told).toMatchObject({ tookMs: 92_000 });
});

test.for([
  ['page', 'page is in ALARM already: another one would tell nobody'],
  ['sweep-heartbeat', 'sweep-heartbeat is in ALARM already: CloudWatch acts on changes only'],
  ['quiet', 'quiet tells nobody: it has no action'],
  ['nothing', 'no alarm "nothing"; there are circuit-open, page, quiet, sweep-heartbeat, ticket'],
] as const)('drill %s is refused while the heartbeat rings: %s', async ([id, message]) => {
  await start();
  await set('sweep-heartbeat', 'ALARM');
  expect(await world.refusal(`drill ${id} --env dev --yes`)).toMatchObject({ name: 'Refused', message });
});

test('without alarms it says which stack is missing', async () => {
  await start([]);
  expect((await world.refusal('drill page --env dev --yes')).message).toBe(
    'there are no alarms here: is the watch stack deployed?',
  );
});
