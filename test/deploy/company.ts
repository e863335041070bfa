import {
  type CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { EVENT_SOURCE } from '../../lib/domain/lifecycle-event.ts';
import { eventually } from './eventually.ts';

/**
 * What a company has around Grantkeeper, in stacks of its own: a topic for events of the bus, and queues on which it reads what
 * events and alarms came. Our templates know none of it but by configuration.
 */

const EVENTS_TOPIC = 'company-events';
const TOPIC_ARN = `arn:aws:sns:us-east-1:000000000000:${EVENTS_TOPIC}`;

/** The setting `eventTargets` that sends the bus's events to the company's topic. */
export const EVENT_TARGETS = JSON.stringify([{ kind: 'sns', arn: TOPIC_ARN }]);

/** What reads its queues. */
export interface Company {
  readonly cloudFormation: CloudFormationClient;
  readonly sqs: SQSClient;
}

/** Something that came on one of its queues. */
export interface Received {
  /** The topic's name. */
  readonly topic: string;
  /** The parsed message. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** Creates the topic of the events with its queue. To be done before `eventTargets` names the topic. */
export async function openInbox(company: Company): Promise<void> {
  const topic = { Type: 'AWS::SNS::Topic', Properties: { TopicName: EVENTS_TOPIC } };
  await createStack(company, 'company-inbox', { Topic: topic, ...queueFor('inbox', [{ Ref: 'Topic' }]) });
}

/** Subscribes a queue to the topics of the alarms, as its pager would be. */
export async function openPager(company: Company, topics: readonly string[]): Promise<void> {
  await createStack(company, 'company-pager', queueFor('pager', topics));
}

/** All that has come on a queue since it was last read. */
export async function receive({ sqs }: Company, queue: 'inbox' | 'pager', endpoint: string): Promise<Received[]> {
  const QueueUrl = `${endpoint}/000000000000/company-${queue}`;
  const received: Received[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 3600 });
    const { Messages = [] } = await sqs.send(command);
    if (Messages.length === 0) return received;
    received.push(...Messages.map(({ Body = '{}' }) => fromSns(JSON.parse(Body))));
  }
}

/** The types of our events among what came. */
export function eventTypes(received: readonly Received[]): string[] {
  return received
    .filter(({ message }) => message.source === EVENT_SOURCE)
    .map(({ message }) => String(message['detail-type']));
}

function fromSns({ TopicArn, Message }: { readonly TopicArn: string; readonly Message: string }): Received {
  return { topic: TopicArn.split(':').at(-1) ?? '', message: JSON.parse(Message) };
}

type Resources = Readonly<Record<string, unknown>>;

function queueFor(name: string, topics: readonly unknown[]): Resources {
  const subscriptions = topics.map((TopicArn, index) => [
    `Subscription${index}`,
    {
      Type: 'AWS::SNS::Subscription',
      Properties: { TopicArn, Protocol: 'sqs', Endpoint: { 'Fn::GetAtt': ['Queue', 'Arn'] } },
    },
  ]);
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: '*',
  };
  return {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: `company-${name}` } },
    Policy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Version: '2012-10-17', Statement: [statement] } },
    },
    ...Object.fromEntries(subscriptions),
  };
}

async function createStack({ cloudFormation }: Company, StackName: string, resources: Resources): Promise<void> {
  const input: CreateStackCommandInput = { StackName, TemplateBody: JSON.stringify({ Resources: resources }) };
  await cloudFormation.send(new CreateStackCommand(input));
  await eventually(`${StackName} is complete`, 20, async () => {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Stacks?.[0]?.StackStatus === 'CREATE_COMPLETE' ? true : undefined;
  });
}
