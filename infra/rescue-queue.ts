import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import { acknowledge } from './acknowledge.ts';

/** SQS's longest. */
const RETENTION = Duration.days(14);

/** More than six times what `rescue` may take (AWS's rule for event sources), and how long a message that was not applied rests. */
const VISIBILITY = Duration.seconds(300);

/** × 300 s = 24 h of tries before a message goes to the dead-letter queue. */
const MAX_RECEIVES = 288;

/** What the two queues of an environment are called. */
export function rescueQueueNames(environment: string): { readonly queue: string; readonly deadLetter: string } {
  const queue = `${APP}-${environment}-rescue`;
  return { queue, deadLetter: `${queue}-dead-letter` };
}

/**
 * Where tokens wait that the grants table did not take in time, and where they go when they could not be stored for a day.
 * Under SQS's own key: the messages are ciphertext of the token key already, and a queue under a KMS key would make its
 * consumer decrypt, which `rescue` must not be able to; so the token key's policy alone decides who can read a token here.
 * Who may send, receive and count is said by the statements of the functions' roles; the queues' own policies add only that
 * nobody speaks to them without TLS, so an operator can redrive. Both stay when the stack goes.
 */
export class RescueQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetter: Queue;

  constructor(scope: Construct, id: string, { environment }: { readonly environment: string }) {
    super(scope, id);
    const names = rescueQueueNames(environment);
    const shared = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: RETENTION,
      // Kept by a destroy, but not by a first deployment that is rolled back: their names would block the next.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    };
    this.deadLetter = new Queue(this, 'DeadLetter', { ...shared, queueName: names.deadLetter });
    acknowledge(this.deadLetter, {
      'Serverless-SQSRedrivePolicy': 'This is the dead-letter queue; an alarm pages while anything is on it.',
    });
    this.queue = new Queue(this, 'Queue', {
      ...shared,
      queueName: names.queue,
      visibilityTimeout: VISIBILITY,
      deadLetterQueue: { queue: this.deadLetter, maxReceiveCount: MAX_RECEIVES },
    });
  }
}
