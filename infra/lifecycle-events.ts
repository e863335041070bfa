import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { EventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic, type TargetBaseProps } from 'aws-cdk-lib/aws-events-targets';
import { Function as LambdaByArn } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVENT_SOURCE, EVENT_TYPES } from '../lib/domain/lifecycle-event.ts';
import { eventBusName } from '../lib/domain/names.ts';
import { acknowledge } from './acknowledge.ts';
import type { Config } from './config.ts';

/** EventBridge's most, also its default. */
const RETRY = { maxEventAge: Duration.hours(24), retryAttempts: 185 };

/** SQS's longest. */
const RETENTION = Duration.days(14);

type EventTarget = Config['eventTargets'][number];

/** What the queue of an environment is called; there is none without targets. */
export function eventsDeadLetterName(environment: string): string {
  return `${eventBusName(environment)}-events-dead-letter`;
}

/**
 * The bus on which is told what happens to connections, and a rule for each target of the configuration. The bus is under the
 * key that AWS keeps for it: what is told are ids and codes that the partner's own systems pass around anyway, and a key of
 * ours would have to be opened to every listener. Whoever else wants to listen adds rules of their own to the bus.
 *
 * A function as target is given the permission that lets its rule invoke it, so it must be in this account. A topic's policy
 * cannot be changed from here: its owner lets `events.amazonaws.com` publish (README, "Events"). What could not be delivered
 * in a day waits on a queue, under SQS's own key.
 */
export class LifecycleEvents extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { config }: { readonly config: Config }) {
    super(scope, id);
    const { environment, eventTargets } = config;
    this.bus = new EventBus(this, 'Bus', {
      eventBusName: eventBusName(environment),
      description: `What happens to the connections of Grantkeeper ${environment}`,
    });
    if (eventTargets.length === 0) return;
    const deadLetterQueue = new Queue(this, 'DeadLetter', {
      queueName: eventsDeadLetterName(environment),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: RETENTION,
      // News only; a name that was kept would block the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(deadLetterQueue, {
      'Serverless-SQSRedrivePolicy': 'It is a dead-letter queue itself, of the rules of the bus.',
      'AwsSolutions-SQS3': 'It is a dead-letter queue itself, of the rules of the bus.',
    });
    for (const [index, target] of eventTargets.entries()) {
      this.#attach(`Target${index + 1}`, target, { ...RETRY, deadLetterQueue });
    }
  }

  #attach(id: string, { kind, arn, events = [...EVENT_TYPES] }: EventTarget, props: TargetBaseProps): void {
    const rule = new Rule(this, id, {
      eventBus: this.bus,
      description: `Lifecycle events for ${arn}`,
      eventPattern: { source: [EVENT_SOURCE], detailType: events },
    });
    Validations.of(rule).acknowledge({
      id: 'Annotation::@aws-cdk/aws-events:ruleUnresolvedEnvironment',
      reason: 'The account is the deployer’s; the region of each target is checked with the settings.',
    });
    rule.addTarget(TARGETS[kind](rule, arn, props));
  }
}

const TARGETS: Readonly<
  Record<EventTarget['kind'], (scope: Construct, arn: string, props: TargetBaseProps) => IRuleTarget>
> = {
  lambda: (scope, functionArn, props) =>
    new LambdaFunction(
      LambdaByArn.fromFunctionAttributes(scope, 'Function', { functionArn, sameEnvironment: true }),
      props,
    ),
  sns: (scope, arn, props) => new SnsTopic(Topic.fromTopicArn(scope, 'Topic', arn), props),
};
