import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import { acknowledge } from './acknowledge.ts';
import type { Config } from './config.ts';

/**
 * Who may say something on the topics. A rule of EventBridge may not: it reaches an encrypted topic only where the key's
 * policy lets in the rules of every account, because `aws:SourceAccount` is not supported there.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
const SENDER = 'cloudwatch.amazonaws.com';

/** Where alarms are told: `page` wakes somebody, `ticket` is read in working hours. */
export class Topics extends Construct {
  readonly page: Topic;
  readonly ticket: Topic;

  constructor(scope: Construct, id: string, config: Pick<Config, 'environment' | 'pageAddresses' | 'ticketAddresses'>) {
    super(scope, id);
    const masterKey = this.#addKey(config.environment);
    const add = (level: 'page' | 'ticket', addresses: readonly string[]) =>
      addTopic(this, { level, addresses, environment: config.environment, masterKey });
    this.page = add('page', config.pageAddresses);
    this.ticket = add('ticket', config.ticketAddresses);
  }

  /**
   * A key of the topics' own, because AWS's key for SNS lets no alarm use it: an alarm would fail to tell, in silence. It
   * protects nothing that is kept, so it goes with the stack.
   */
  #addKey(environment: string): Key {
    const key = new Key(this, 'Key', {
      alias: `${APP}/${environment}/topics`,
      description: `Grantkeeper ${environment}: encrypts what alarms say`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(7),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'ForAlarmsOfThisAccount',
        principals: [new ServicePrincipal(SENDER)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        // In a key's own policy `*` is that key.
        resources: ['*'],
        conditions: ofThisAccount(this),
      }),
    );
    return key;
  }
}

interface TopicSpec {
  readonly level: 'page' | 'ticket';
  readonly addresses: readonly string[];
  readonly environment: string;
  readonly masterKey: Key;
}

function addTopic(scope: Construct, { level, addresses, environment, masterKey }: TopicSpec): Topic {
  const topic = new Topic(scope, level, {
    topicName: `${APP}-${environment}-${level}`,
    displayName: `Grantkeeper ${environment}: ${level}`,
    masterKey,
    enforceSSL: true,
  });
  // With a policy of its own the topic has lost the one by which everything in the account may publish.
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccountMaySpeak',
      principals: [new ServicePrincipal(SENDER)],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: ofThisAccount(scope),
    }),
  );
  for (const address of addresses) topic.addSubscription(subscriptionOf(address));
  acknowledge(topic, {
    'Serverless-SNSRedrivePolicy':
      'A notification that SNS could not deliver in all its tries is old news; the alarm itself stays red, and `ops drill` shows whether the way is open.',
  });
  return topic;
}

function subscriptionOf(address: string): EmailSubscription | UrlSubscription {
  return address.startsWith('https://') ? new UrlSubscription(address) : new EmailSubscription(address);
}

function ofThisAccount(scope: Construct): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } };
}
