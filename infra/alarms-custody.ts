import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, METRICS } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import { type computed, MINUTE, ofEachProvider, ownMetrics, queueMetric, total } from './metrics.ts';
import { rescueQueueNames } from './rescue-queue.ts';

/** Alarms on what must not be lost: tokens that are not where they belong, and the keys without which none can be read. */
export function custodyAlarms(environment: string): readonly AlarmSpec[] {
  return [tokenAtRisk(environment), ...rescueAlarms(environment), keyUnusable(environment)];
}

/** Written at once and once only; so long it is looked back, so that what belongs together is one page. */
const LOOK_BACK = 15;

function tokenAtRisk(environment: string): AlarmSpec {
  const own = ownMetrics(environment);
  const unstored = ofEachProvider((provider) => own(METRICS.tokenAtRisk, 'Sum', { provider }));
  const lost = ofEachProvider((provider) => own(METRICS.needsReauth, 'Sum', { provider, outcome: 'lost_rotation' }));
  const parts = { ...unstored, ...prefixed('lost_', lost) };
  return {
    id: 'token-at-risk',
    level: 'page',
    metric: total('TokenAtRisk', parts, MINUTE),
    threshold: 1,
    datapoints: { bad: 1, of: LOOK_BACK },
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'A token the provider issued is in no store and on no queue, or an answer with one was lost for good: that connection may need its user to reconnect.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-refresh-grant, -refresh-due and -finish-connect: filter level = "ERROR" | sort @timestamp desc.`,
  };
}

function prefixed<T>(prefix: string, record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [`${prefix}${name}`, value]));
}

function rescueAlarms(environment: string): readonly AlarmSpec[] {
  const { queue, deadLetter } = rescueQueueNames(environment);
  const common = { level: 'page', threshold: 1, missing: TreatMissingData.NOT_BREACHING } as const;
  return [
    {
      ...common,
      id: 'rescue-queue-waiting',
      metric: messagesOn(queue),
      // SQS tells its numbers minutes late, and what is not told yet counts 0: five in a row would never come.
      datapoints: { bad: 5, of: 8 },
      feels:
        'For five minutes tokens have waited on the rescue queue instead of being in the store; their connections serve only what is left of the previous access token.',
      look: `Logs Insights on /aws/lambda/${APP}-${environment}-rescue: filter level = "ERROR" | sort @timestamp desc.`,
    },
    {
      ...common,
      id: 'rescue-dead-letter',
      metric: messagesOn(deadLetter),
      datapoints: { bad: 1, of: 5 },
      feels:
        'A token could not be stored for 24 hours and lies on the dead-letter queue, to be lost 14 days after it was issued; its connection may need its user to reconnect.',
      look: `Logs Insights on /aws/lambda/${APP}-${environment}-rescue over the last day: filter level = "ERROR" | stats count(*) by grant, code.`,
    },
  ];
}

/**
 * Messages on a queue, waiting or with a consumer. Not the age of the oldest: SQS leaves out of it whatever was received more
 * than three times, which is every message that matters here after a quarter of an hour.
 */
function messagesOn(queueName: string): ReturnType<typeof computed> {
  const parts = { visible: queueMetric(queueName, 'Visible'), taken: queueMetric(queueName, 'NotVisible') };
  return total('messages', parts, MINUTE);
}

function keyUnusable(environment: string): AlarmSpec {
  return {
    id: 'key-unusable',
    level: 'page',
    metric: ownMetrics(environment)(METRICS.keysUnusable, 'Maximum'),
    threshold: 1,
    datapoints: { bad: 2, of: 3 },
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'A KMS key of ours is disabled or will be deleted: tokens or tables cannot be read (callers get errors), and a deleted key loses every connection for ever.',
    look: `aws kms describe-key --key-id alias/${APP}/${environment}/tokens, and alias/${APP}/${environment}/tables: KeyState and DeletionDate.`,
  };
}
