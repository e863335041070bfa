import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, aws_apigateway as apigateway, CfnOutput, Duration, aws_dynamodb as dynamodb, Stack } from 'aws-cdk-lib';
import { Alarm, AlarmRule, AlarmState, AnomalyDetectionAlarm, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Alias, Code, EventSourceMapping, Function as LambdaFn, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';

/** A small application with one of everything the local platform runs, in two stacks so that exports are used. */
const app = new App();
const env = { account: '000000000000', region: 'us-east-1' };
const stateful = new Stack(app, 'mini-stateful', { env });
const edge = new Stack(app, 'mini-edge', { env });

const key = new Key(stateful, 'Key', { alias: 'alias/mini' });
const table = new dynamodb.TableV2(stateful, 'Items', {
  partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
  encryption: dynamodb.TableEncryptionV2.customerManagedKey(key),
  timeToLiveAttribute: 'ttl',
});
const secret = new Secret(stateful, 'Client', { secretName: 'mini/client' });

const codeBeside = (handler: URL) => Code.fromAsset(dirname(fileURLToPath(handler)));
const echo = new LambdaFn(edge, 'Echo', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: codeBeside(new URL('./functions/echo/index.mjs', import.meta.url)),
  timeout: Duration.seconds(2),
  memorySize: 256,
  retryAttempts: 1,
  reservedConcurrentExecutions: 5,
  environment: { TABLE: table.tableName, SECRET: secret.secretArn },
});
table.grantReadData(echo);
secret.grantRead(echo);
key.grantDecrypt(echo);
const live = new Alias(edge, 'EchoLive', { aliasName: 'live', version: echo.currentVersion as never });
const authorizer = new LambdaFn(edge, 'Authorizer', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: codeBeside(new URL('./functions/authorizer/index.mjs', import.meta.url)),
});

const api = new apigateway.RestApi(edge, 'Api', {
  deployOptions: { stageName: 'api' },
  endpointTypes: [apigateway.EndpointType.REGIONAL],
  cloudWatchRole: false,
});
api.addGatewayResponse('Unauthorized', {
  type: apigateway.ResponseType.UNAUTHORIZED,
  responseHeaders: { 'X-Why': "'no key'" },
  templates: { 'application/json': '{"error":{"code":"unauthorized","message":$context.error.messageString}}' },
});
const request = new apigateway.RequestAuthorizer(edge, 'KeyAuthorizer', {
  handler: authorizer,
  identitySources: [apigateway.IdentitySource.header('X-API-Key')],
  resultsCacheTtl: Duration.seconds(60),
});
const v1 = api.root.addResource('v1');
const item = v1.addResource('items').addResource('{id}');
item.addCorsPreflight({ allowOrigins: ['https://app.example.com'] });
item.addMethod('ANY', new apigateway.LambdaIntegration(echo), { authorizer: request });
v1.addResource('open').addMethod('GET', new apigateway.LambdaIntegration(live as never));
v1.addResource('files').addResource('{path+}').addMethod('GET', new apigateway.LambdaIntegration(echo));

const failed = new Queue(stateful, 'Failed', { queueName: 'failed-orders' });
const orders = new Queue(stateful, 'Orders', {
  queueName: 'orders',
  visibilityTimeout: Duration.seconds(60),
  retentionPeriod: Duration.days(14),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  deadLetterQueue: { queue: failed, maxReceiveCount: 3 },
});
orders.grantConsumeMessages(authorizer);
new EventSourceMapping(edge, 'Ordering', {
  target: authorizer,
  eventSourceArn: orders.queueArn,
  batchSize: 2,
  reportBatchItemFailures: true,
});

const bus = new EventBus(edge, 'Bus', { eventBusName: 'mini-events' });
bus.grantPutEventsTo(echo);
const rule = new Rule(edge, 'EveryMinute', { schedule: Schedule.rate(Duration.minutes(1)) });
rule.addTarget(new LambdaFunction(echo));
const topic = new Topic(edge, 'Topic');
authorizer.addToRolePolicy(new PolicyStatement({ actions: ['cloudwatch:PutMetricData'], resources: ['*'] }));
topic.grantPublish(authorizer);

const metric = echo.metricErrors({ period: Duration.minutes(1) });
const errors = new Alarm(edge, 'Errors', { alarmName: 'echo-errors', metric, threshold: 3, evaluationPeriods: 2 });
errors.addAlarmAction(new SnsAction(topic));
new AnomalyDetectionAlarm(edge, 'Unusual', { alarmName: 'echo-unusual', metric, evaluationPeriods: 2 });
const alarmRule = AlarmRule.fromAlarm(errors, AlarmState.ALARM);
new CompositeAlarm(edge, 'Anything', { compositeAlarmName: 'anything', alarmRule });
new CfnOutput(edge, 'TopicArn', { value: topic.topicArn, description: 'where alarms are told' });
new CfnOutput(edge, 'QueueUrl', { value: orders.queueUrl });
