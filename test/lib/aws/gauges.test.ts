import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { createPublishGauges } from '../../../lib/aws/gauges.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';

const mock = mockClient(CloudWatchClient);
const publish = createPublishGauges({ client: mock as unknown as CloudWatchClient, namespace: 'Grantkeeper/prod' });
beforeEach(() => mock.reset());

test('all gauges are one request, each with exactly its dimensions', async () => {
  mock.on(PutMetricDataCommand).resolves({});
  await publish([
    { name: 'KeysUnusable', value: 0 },
    { name: 'CircuitOpen', value: 1, provider: 'xero' },
    { name: 'Grants', value: 612, provider: 'quickbooks', outcome: 'active' },
  ]);
  expect(mock.calls()).toHaveLength(1);
  expect(mock.call(0).args[0].input).toEqual({
    Namespace: 'Grantkeeper/prod',
    MetricData: [
      { MetricName: 'KeysUnusable', Value: 0, Unit: 'Count', Dimensions: [] },
      { MetricName: 'CircuitOpen', Value: 1, Unit: 'Count', Dimensions: [{ Name: 'provider', Value: 'xero' }] },
      {
        MetricName: 'Grants',
        Value: 612,
        Unit: 'Count',
        Dimensions: [
          { Name: 'provider', Value: 'quickbooks' },
          { Name: 'outcome', Value: 'active' },
        ],
      },
    ],
  });
});

test('what CloudWatch does not take is unavailable, with its error as cause', async () => {
  const cause = new Error('AccessDenied');
  mock.on(PutMetricDataCommand).rejects(cause);
  await expect(publish([{ name: 'KeysUnusable', value: 1 }])).rejects.toEqual(
    new GrantkeeperError('unavailable', { cause }),
  );
});
