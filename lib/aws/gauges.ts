import { type CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GrantkeeperError } from '../domain/errors.ts';
import type { PublishGauges } from '../service/ports.ts';

interface Target {
  readonly client: CloudWatchClient;
  readonly namespace: string;
}

/**
 * Writes gauges with one PutMetricData, at CloudWatch's own time. Throws `unavailable` when CloudWatch did not take them. One that
 * is tried again after a lost answer may be there twice: they are for maximum, minimum and average, not for sums over time.
 */
export function createPublishGauges({ client, namespace }: Target): PublishGauges {
  return async (gauges) => {
    const dimension = (Name: string, Value: string | undefined) => (Value === undefined ? [] : [{ Name, Value }]);
    const data = gauges.map(({ name, value, provider, outcome }) => ({
      MetricName: name,
      Value: value,
      Unit: 'Count' as const,
      Dimensions: [...dimension('provider', provider), ...dimension('outcome', outcome)],
    }));
    try {
      await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData: data }));
    } catch (cause) {
      throw new GrantkeeperError('unavailable', { cause });
    }
  };
}
