import { PutMetricDataCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProviderState } from '../../lib/domain/provider-state.ts';
import type { Write } from '../../lib/domain/write.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../support/grants.ts';
import { metricAlarm, pageAlarm } from './alarm-definitions.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  const ids = ['refresh-lag', 'sweep-heartbeat', 'key-unusable', 'circuit-open', 'expiring-soon', 'denied-calls'];
  world = await startOpsWorld([...ids.map((id) => metricAlarm(id)), pageAlarm(['sweep-heartbeat'])]);
});
afterEach(() => world.stop());

const provider = (set: Omit<ProviderState, 'v' | 'pk'>): Write => ({
  table: 'grants',
  key: { pk: `PROVIDER#${set.provider}` },
  when: [],
  op: 'update',
  set: { v: 1, ...set },
});

/** A provider in trouble, a sweep that ran a minute ago, messages, an alarm that rings. */
async function trouble(): Promise<void> {
  const { cloudWatch, sqs } = world.clients;
  await world.put(
    provider({
      provider: 'quickbooks',
      suspects: 7,
      frozen: true,
      grants: 200,
      countedAt: T0 - 5 * HOUR,
      misconfigured: ['quickbooks#1'],
    }),
    provider({ provider: 'xero', circuit: { kind: 'config', openedAt: T0 - 10 * MINUTE, probeAt: T0 + 40_000 } }),
    {
      table: 'grants',
      key: { pk: 'quickbooks#9341453' },
      when: [],
      op: 'put',
      item: quickbooksGrant({ status: 'suspect', duePartition: 'quickbooks#suspect#00' }),
    },
  );
  await cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: 'Grantkeeper/dev',
      MetricData: [T0 - 10 * MINUTE, T0 - 90_000].map((at) => {
        return { MetricName: 'SweepHeartbeat', Value: 1, Unit: 'Count', Timestamp: new Date(at) };
      }),
    }),
  );
  await cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: 'grantkeeper-dev-sweep-heartbeat', StateValue: 'ALARM', StateReason: 'x' }),
  );
  const { pathname } = new URL(`${world.aws.endpointUrl}/000000000000/grantkeeper-dev-rescue`);
  await sqs.send(new SendMessageCommand({ QueueUrl: world.aws.endpointUrl + pathname, MessageBody: 'x' }));
  world.clock.advance(120);
}

test('everything that is wrong stands on one screen', async () => {
  await trouble();
  await world.run('pause --env dev --yes');
  expect(await world.run('status --env dev')).toMatchObject({
    text: `grantkeeper dev at 2026-11-20 12:02:00Z

alarms       2 of 7 in ALARM
               page                    since 2026-11-20 12:00:00Z (2 min ago)
               sweep-heartbeat         since 2026-11-20 12:00:00Z (2 min ago)
               without data yet: circuit-open, denied-calls, expiring-soon, key-unusable and 1 more
sweep        last run in the minute of 2026-11-20 11:58:00Z (4 min ago)
refreshers   PAUSED: refresh-grant, finish-connect, rescue, refresh-due
rescue       1 waiting, 0 in flight; dead letter 0 waiting, 0 in flight
state keys   1 signs

provider     circuit                                       verdicts            suspects  grants
quickbooks   closed; our client refused for 1 grant(s)     FROZEN              1         200 (counted 5 h ago)
xero         OPEN (config) for 12 min, probe due           given               0         not counted yet
`,
    exitCode: 0,
  });
});

test('the same as JSON, with instants in ISO 8601', async () => {
  await trouble();
  const { told } = await world.run('status --env dev');
  const { alarms, ...rest } = told as { readonly alarms: readonly object[] };
  expect(alarms.filter((alarm) => JSON.stringify(alarm).includes('"ALARM"'))).toEqual([
    { id: 'page', isComposite: true, state: 'ALARM', since: '2026-11-20T12:00:00.000Z' },
    { id: 'sweep-heartbeat', isComposite: false, state: 'ALARM', since: '2026-11-20T12:00:00.000Z' },
  ]);
  expect(rest).toEqual({
    environment: 'dev',
    at: '2026-11-20T12:02:00.000Z',
    heartbeatAt: '2026-11-20T11:58:00.000Z',
    refreshers: { paused: [], reserved: { 'refresh-due': 8 } },
    rescue: { queue: { waiting: 1, inFlight: 0 }, deadLetter: { waiting: 0, inFlight: 0 } },
    stateKeys: { current: '1' },
    providers: {
      quickbooks: {
        circuit: { state: 'closed' },
        refusedGrants: 1,
        frozen: true,
        suspects: 1,
        grants: 200,
        countedAt: '2026-11-20T07:00:00.000Z',
      },
      xero: {
        circuit: {
          state: 'open',
          kind: 'config',
          since: '2026-11-20T11:50:00.000Z',
          probeAt: '2026-11-20T12:00:40.000Z',
        },
        refusedGrants: 0,
        frozen: false,
        suspects: 0,
        grants: null,
      },
    },
  });
});

test('a quiet environment without a sweep says so', async () => {
  const { text } = await world.run('status --env dev');
  expect(text).toContain('\nsweep        NO RUN in the last 3 h\nrefreshers   running\n');
});

test('a part that cannot be read says why, and the others are shown', async () => {
  world.aws.cloudWatch.failNext({
    operation: 'DescribeAlarms',
    code: 'AccessDenied',
    message: 'you may not',
    times: 9,
  });
  world.aws.secretsManager.failNext({ operation: 'GetSecretValue', code: 'ResourceNotFoundException', times: 9 });
  const { text, exitCode } = await world.run('status --env dev');
  expect(exitCode).toBe(3);
  expect(text).toContain('\nalarms       could not be read (AccessDenied: you may not)\nsweep        NO RUN');
  expect(text).toContain(
    '\nstate keys   could not be read (ResourceNotFoundException: A failure that was asked for.)\n',
  );
});
