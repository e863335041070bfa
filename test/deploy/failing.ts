import assert from 'node:assert/strict';
import { DescribeAlarmsCommand, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeKeyCommand, DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import { APP, METRICS, metricNamespace, type ProviderId } from '../../lib/domain/names.ts';
import type { ApiClient } from '../../local/demo/api-client.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import type { Checks } from './checks.ts';
import { type Received, receive } from './company.ts';
import { CONNECTIONS } from './connecting.ts';
import { eventually } from './eventually.ts';
import { linesOf } from './function-logs.ts';
import { refreshes, SCHEDULE_SECONDS } from './refreshing.ts';
import type { Stage } from './stage.ts';

const PREFIX = `${APP}-${LOCAL_ENVIRONMENT}`;
/** Longer than a run may take. */
const LOOK_BACK_MS = 600_000;
const TOKEN_KEY = `alias/${APP}/${LOCAL_ENVIRONMENT}/tokens`;

/**
 * The provider fails, then the key with which tokens are read: what the schedule does, and whom the alarm tells. `meanwhile` is
 * done while all is wrong.
 */
export async function failRefreshes(checks: Checks, stage: Stage, meanwhile: () => Promise<void>): Promise<void> {
  const count = async () =>
    [(await refreshes(stage, 'quickbooks')).length, (await refreshes(stage, 'xero')).length] as const;
  const before = await count();
  await stage.providers.quickbooks.fault({ endpoint: 'token', kind: 'status', status: 503, times: 100 });
  await checks.that('QuickBooks answers 503: the schedule’s next refreshes fail there, and not at Xero', async () => {
    // Both, so that no refresh is under way when the key is disabled.
    await eventually('two failed refreshes and one at Xero', SCHEDULE_SECONDS, async () => {
      const now = await count();
      return now[0] >= before[0] + 2 && now[1] >= before[1] + 1 ? true : undefined;
    });
    const statuses = async (provider: ProviderId, from: number) =>
      new Set((await refreshes(stage, provider)).slice(from).map(({ status }) => status));
    assert.deepEqual(await statuses('quickbooks', before[0]), new Set([503]));
    assert.deepEqual(await statuses('xero', before[1]), new Set([200]));
  });
  await checks.that('the alarm key-unusable has been evaluated, and is content', async () => {
    assert.equal(await stateOf(stage, 'key-unusable'), 'OK');
  });
  await receive(stage.aws, 'pager', stage.emulator.endpoint);
  await stage.aws.kms.send(new DisableKeyCommand({ KeyId: await keyIdOf(stage) }));
  const sentToXero = (await refreshes(stage, 'xero')).length;
  await checks.that('the token key is disabled: the next sweep sets off the alarm key-unusable', async () => {
    await eventually('ALARM', SCHEDULE_SECONDS, async () => {
      return (await stateOf(stage, 'key-unusable')) === 'ALARM' ? true : undefined;
    });
  });
  await checks.that('its refresh at Xero fails before anything is sent', async () => {
    await eventually('NOT_SENT in the log of refresh-due', 30, async () => {
      const lines = await linesOf(stage.emulator, 'refresh-due');
      return lines.some((line) => /"provider":"xero".*"outcome":"NOT_SENT"/.test(line)) ? true : undefined;
    });
    assert.equal((await refreshes(stage, 'xero')).length, sentToXero);
  });
  await checks.that(
    'the composite alarm is on, the ticket topic heard of the one, the page topic of the other',
    async () => {
      assert.equal(await stateOf(stage, 'page'), 'ALARM');
      assert.deepEqual(await heard(stage), [
        { topic: `${PREFIX}-page`, alarm: `${PREFIX}-page` },
        { topic: `${PREFIX}-ticket`, alarm: `${PREFIX}-key-unusable` },
      ]);
    },
  );
  await checks.that('the gauge of QuickBooks’ open circuit is in CloudWatch', async () => {
    assert.equal(await gaugeOf(stage, METRICS.circuitOpen), 1);
  });
  await meanwhile();
  await stage.aws.kms.send(new EnableKeyCommand({ KeyId: await keyIdOf(stage) }));
}

/** A connection is taken off: at our side at once, at the provider by a duty. */
export async function disconnect(checks: Checks, stage: Stage, api: ApiClient): Promise<void> {
  const { organizationId, provider, tenantId } = CONNECTIONS.acme;
  await checks.that('the key works again: acme disconnects, and QuickBooks is told to revoke', async () => {
    const { status, body } = await api.disconnect(organizationId, provider);
    assert.deepEqual([status, body.success], [200, true]);
    await eventually('a revocation in the ledger', SCHEDULE_SECONDS, async () => {
      const ledger = await stage.providers[provider].ledger();
      const revoked = ledger.some(
        (entry) => entry.endpoint === 'revoke' && entry.tenantId === tenantId && entry.committed,
      );
      return revoked ? true : undefined;
    });
    const { body: after } = await api.status(organizationId, provider);
    assert.equal(after.connected, false);
  });
}

async function stateOf({ aws }: Stage, id: string): Promise<string | undefined> {
  const command = new DescribeAlarmsCommand({
    AlarmNames: [`${PREFIX}-${id}`],
    AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
  });
  const { MetricAlarms = [], CompositeAlarms = [] } = await aws.cloudWatch.send(command);
  return [...MetricAlarms, ...CompositeAlarms][0]?.StateValue;
}

/** What the pager heard: each alarm that went to ALARM, by the topic that told it. */
async function heard(stage: Stage): Promise<{ topic: string; alarm: unknown }[]> {
  const received = await receive(stage.aws, 'pager', stage.emulator.endpoint);
  const inAlarm = ({ message }: Received) => message.NewStateValue === 'ALARM';
  return received
    .filter(inAlarm)
    .map(({ topic, message }) => ({ topic, alarm: message.AlarmName }))
    .toSorted((one, other) => one.topic.localeCompare(other.topic));
}

/** The highest value of a gauge of QuickBooks since the run began. */
async function gaugeOf({ aws }: Stage, MetricName: string): Promise<number | undefined> {
  const now = Date.now();
  const command = new GetMetricStatisticsCommand({
    Namespace: metricNamespace(LOCAL_ENVIRONMENT),
    MetricName,
    Dimensions: [{ Name: 'provider', Value: 'quickbooks' }],
    StartTime: new Date(now - LOOK_BACK_MS),
    EndTime: new Date(now + 60_000),
    Period: LOOK_BACK_MS / 1000,
    Statistics: ['Maximum'],
  });
  const { Datapoints = [] } = await aws.cloudWatch.send(command);
  return Math.max(...Datapoints.map(({ Maximum = 0 }) => Maximum));
}

async function keyIdOf({ aws }: Stage): Promise<string | undefined> {
  return (await aws.kms.send(new DescribeKeyCommand({ KeyId: TOKEN_KEY }))).KeyMetadata?.KeyId;
}
