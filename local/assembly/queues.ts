import type { Collection, Resource } from './collect.ts';
import { functionArnOf } from './identity.ts';
import type { EventSourceResource, QueueResource } from './model.ts';
import { AssemblyError, isRecord } from './template.ts';

/** What a queue is created with here. */
const ATTRIBUTES = [
  'VisibilityTimeout',
  'DelaySeconds',
  'ReceiveMessageWaitTimeSeconds',
  'MaximumMessageSize',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'FifoQueue',
  'ContentBasedDeduplication',
];

/** What the local queues do not do, and what happens instead. */
const IGNORED: Readonly<Record<string, string>> = {
  MessageRetentionPeriod: 'MessageRetentionPeriod is ignored: messages stay until they are deleted',
  KmsMasterKeyId: 'KmsMasterKeyId is ignored: messages are not encrypted',
  RedriveAllowPolicy: 'RedriveAllowPolicy is ignored',
};

/** SQS's default for an event source. */
const DEFAULT_BATCH_SIZE = 10;

/** Settings of a mapping that have no counterpart here. */
const IGNORED_OF_MAPPING = ['FilterCriteria', 'MaximumBatchingWindowInSeconds', 'ScalingConfig', 'MetricsConfig'];

/** The queues with the attributes that are run. */
export function readQueues(collection: Collection): readonly QueueResource[] {
  return collection.ofType('AWS::SQS::Queue').map((queue) => {
    const { properties, identity } = queue;
    for (const [name, reason] of Object.entries(IGNORED)) {
      if (properties[name] !== undefined) collection.report(queue, reason);
    }
    const given = ATTRIBUTES.filter((name) => properties[name] !== undefined);
    return {
      name: identity.attributes.QueueName ?? '',
      arn: identity.attributes.Arn ?? '',
      attributes: Object.fromEntries(given.map((name) => [name, attributeText(properties[name])])),
    };
  });
}

/**
 * Which queue wakes which function. A mapping of another source than a queue is reported as not run. Throws
 * `AssemblyError` when a message could come to a second run while the first still has it, which AWS refuses too.
 */
export function readEventSources(collection: Collection): readonly EventSourceResource[] {
  return collection.ofType('AWS::Lambda::EventSourceMapping').flatMap((mapping) => {
    const { properties } = mapping;
    const arn = String(properties.EventSourceArn);
    if (!arn.startsWith('arn:aws:sqs:')) {
      collection.report(mapping, 'its source is no queue');
      return [];
    }
    for (const setting of IGNORED_OF_MAPPING) {
      if (properties[setting] !== undefined) collection.report(mapping, `${setting} is ignored`);
    }
    const functionArn = functionArnOf(String(properties.FunctionName));
    requireVisibility(collection.find(arn, 'AWS::SQS::Queue'), collection.find(functionArn, 'AWS::Lambda::Function'));
    return [readEventSource(properties, { functionArn, queueArn: arn })];
  });
}

function readEventSource(
  properties: Resource['properties'],
  between: { readonly functionArn: string; readonly queueArn: string },
): EventSourceResource {
  const types = Array.isArray(properties.FunctionResponseTypes) ? properties.FunctionResponseTypes : [];
  return {
    ...between,
    batchSize: Number(properties.BatchSize ?? DEFAULT_BATCH_SIZE),
    reportsItemFailures: types.includes('ReportBatchItemFailures'),
    enabled: properties.Enabled !== false,
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
function requireVisibility(queue: Resource, target: Resource): void {
  const visibility = Number(queue.properties.VisibilityTimeout ?? 30);
  const timeout = Number(target.properties.Timeout ?? 3);
  if (visibility < timeout) {
    throw new AssemblyError(
      `${queue.logicalId}: a visibility of ${visibility} s is less than its function's ${timeout} s`,
    );
  }
}

function attributeText(value: unknown): string {
  return isRecord(value) ? JSON.stringify(value) : String(value);
}
