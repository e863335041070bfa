import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { ServiceFunction } from './service-function.ts';

/** SQS's most for a queue without a batching window. */
const BATCH_SIZE = 10;

/**
 * Brings the rescue queue's messages to `rescue` as soon as they are there; those it names as not applied come again when
 * their visibility ends. The mapping itself and not CDK's event source, which would give the role more than its spec says.
 */
export class RescueSource extends Construct {
  constructor(scope: Construct, id: string, props: { readonly rescue: ServiceFunction; readonly queue: IQueue }) {
    super(scope, id);
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: props.rescue.lambda,
      eventSourceArn: props.queue.queueArn,
      batchSize: BATCH_SIZE,
      reportBatchItemFailures: true,
    });
    acknowledge(mapping, {
      'Serverless-LambdaEventSourceMappingDestination':
        'Lambda takes no failure destination for SQS; the queue’s redrive policy moves what could not be applied.',
    });
  }
}
