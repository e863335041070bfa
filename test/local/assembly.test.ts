import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assembly } from '../../local/assembly/model.ts';
import { readAssembly, synthesize } from '../../local/assembly.ts';

const dir = mkdtempSync(join(tmpdir(), 'assembly-test-'));
const app = fileURLToPath(new URL('./mini/app.ts', import.meta.url));
let assembly: Assembly;

beforeAll(async () => {
  await synthesize({ outDir: dir, app });
  assembly = readAssembly(dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

const echoArn = 'arn:aws:lambda:us-east-1:000000000000:function:mini-edge-Echo11F3FB29';
const tableArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/mini-stateful-Items5C12978B';

function named<T extends { readonly name: string }>(resources: readonly T[], part: string): T {
  const found = resources.find(({ name }) => name.includes(part));
  if (found === undefined) throw new Error(`nothing is called ${part}`);
  return found;
}

describe('a cloud assembly', () => {
  test('gives a function with code, settings, environment and aliases', () => {
    const { statements, assetDir, ...echo } = named(assembly.functions, 'Echo');
    expect(assetDir).toMatch(new RegExp(`^${dir}/asset\\.[0-9a-f]{64}$`));
    expect(statements.length).toBeGreaterThan(0);
    expect(echo).toEqual({
      name: 'mini-edge-Echo11F3FB29',
      arn: echoArn,
      handler: 'index.handler',
      timeoutSeconds: 2,
      memoryMb: 256,
      reservedConcurrency: 5,
      environment: {
        TABLE: 'mini-stateful-Items5C12978B',
        SECRET: expect.stringMatching(
          /^arn:aws:secretsmanager:us-east-1:000000000000:secret:mini\/client-[0-9a-f]{6}$/,
        ),
      },
      logGroup: '/aws/lambda/mini-edge-Echo11F3FB29',
      roleArn: 'arn:aws:iam::000000000000:role/mini-edge-EchoServiceRoleBE28060B',
      maximumRetryAttempts: 1,
      aliases: { live: '1' },
      versions: ['1'],
    });
  });

  test('gives Lambda’s defaults where the template says nothing', () => {
    const { timeoutSeconds, memoryMb, maximumRetryAttempts, aliases } = named(assembly.functions, 'Authorizer');
    expect({ timeoutSeconds, memoryMb, maximumRetryAttempts, aliases }).toEqual({
      timeoutSeconds: 3,
      memoryMb: 128,
      maximumRetryAttempts: 2,
      aliases: {},
    });
  });

  test('gives the statements of a role with resources of another stack', () => {
    expect(named(assembly.functions, 'Echo').statements.map(({ Resource }) => Resource)).toEqual([
      assembly.keys[0]?.arn,
      tableArn,
      assembly.secrets[0]?.arn,
      'arn:aws:events:us-east-1:000000000000:event-bus/mini-events',
      '*',
    ]);
    expect(named(assembly.functions, 'Authorizer').statements.slice(1)).toEqual([
      { Effect: 'Allow', Action: 'cloudwatch:PutMetricData', Resource: '*' },
      {
        Effect: 'Allow',
        Action: 'sns:Publish',
        Resource: 'arn:aws:sns:us-east-1:000000000000:mini-edge-TopicBFC7AF6E',
      },
      {
        Sid: 'AWSLambdaBasicExecutionRole',
        Effect: 'Allow',
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: '*',
      },
    ]);
  });

  test('gives tables, keys with aliases, secrets and buses', () => {
    expect(assembly.tables.map(({ type, name, arn }) => ({ type, name, arn }))).toEqual([
      { type: 'AWS::DynamoDB::GlobalTable', name: 'mini-stateful-Items5C12978B', arn: tableArn },
    ]);
    expect(assembly.tables[0]?.properties.TimeToLiveSpecification).toEqual({ AttributeName: 'ttl', Enabled: true });
    expect(assembly.keys).toEqual([
      {
        keyId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        arn: expect.stringMatching(/^arn:aws:kms:us-east-1:000000000000:key\/[0-9a-f-]{36}$/),
        aliases: ['alias/mini'],
      },
    ]);
    expect(assembly.secrets.map(({ name }) => name)).toEqual(['mini/client']);
    expect(assembly.buses).toEqual([
      { name: 'mini-events', arn: 'arn:aws:events:us-east-1:000000000000:event-bus/mini-events' },
    ]);
  });

  test('gives queues with their attributes as CreateQueue takes them, and which of them wakes which function', () => {
    const arn = 'arn:aws:sqs:us-east-1:000000000000:orders';
    const deadLetterTargetArn = 'arn:aws:sqs:us-east-1:000000000000:failed-orders';
    expect(assembly.queues).toEqual([
      { name: 'failed-orders', arn: deadLetterTargetArn, attributes: {} },
      {
        name: 'orders',
        arn,
        attributes: {
          VisibilityTimeout: '60',
          RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 3 }),
          SqsManagedSseEnabled: 'true',
        },
      },
    ]);
    expect(assembly.eventSources).toEqual([
      {
        functionArn: named(assembly.functions, 'Authorizer').arn,
        queueArn: arn,
        batchSize: 2,
        reportsItemFailures: true,
        enabled: true,
      },
    ]);
  });

  test('gives the methods of the API with paths, integrations and authorizer', () => {
    const [api] = assembly.apis;
    expect(api?.stage).toBe('api');
    expect(api?.methods.map(({ httpMethod, path, integration }) => [httpMethod, path, integration.kind])).toEqual([
      ['OPTIONS', '/v1/items/{id}', 'mock'],
      ['ANY', '/v1/items/{id}', 'lambda'],
      ['GET', '/v1/open', 'lambda'],
      ['GET', '/v1/files/{path+}', 'lambda'],
    ]);
    expect(api?.methods[1]?.authorizer).toEqual({
      id: expect.any(String),
      type: 'REQUEST',
      functionArn: named(assembly.functions, 'Authorizer').arn,
      identitySources: ['method.request.header.X-API-Key'],
      ttlSeconds: 60,
    });
    expect(api?.methods[2]?.integration).toEqual({ kind: 'lambda', functionArn: `${echoArn}:live`, timeoutMs: 29_000 });
    expect(api?.methods[0]?.integration).toMatchObject({
      statusCode: 204,
      headers: { 'Access-Control-Allow-Origin': 'https://app.example.com' },
    });
    expect(api?.gatewayResponses).toEqual({
      UNAUTHORIZED: {
        headers: { 'X-Why': 'no key' },
        templates: {
          'application/json': '{"error":{"code":"unauthorized","message":$context.error.messageString}}',
        },
      },
    });
  });

  test('gives the rules with their targets', () => {
    expect(assembly.rules).toEqual([
      {
        name: expect.stringContaining('EveryMinute'),
        arn: expect.stringContaining(':rule/mini-edge-EveryMinute'),
        enabled: true,
        scheduleExpression: 'rate(1 minute)',
        targets: [{ id: 'Target0', arn: echoArn }],
      },
    ]);
  });

  test('gives the alarms, those that cannot be judged too, with the topics they are told on', () => {
    const topicArn = 'arn:aws:sns:us-east-1:000000000000:mini-edge-TopicBFC7AF6E';
    expect(assembly.topics).toEqual([topicArn]);
    expect(
      assembly.alarms.map(({ name, type, judgement, actions }) => [name, type, judgement.kind, actions.ALARM]),
    ).toEqual([
      ['echo-errors', 'MetricAlarm', 'MetricAlarm', [topicArn]],
      ['echo-unusual', 'MetricAlarm', 'unjudged', []],
      ['anything', 'CompositeAlarm', 'CompositeAlarm', []],
    ]);
  });

  test('gives the stacks with their outputs', () => {
    const [stateful, edge] = assembly.stacks;
    expect(stateful?.name).toBe('mini-stateful');
    expect(edge).toEqual({
      name: 'mini-edge',
      outputs: {
        ApiEndpoint4F160690: expect.anything(),
        TopicArn: {
          value: 'arn:aws:sns:us-east-1:000000000000:mini-edge-TopicBFC7AF6E',
          description: 'where alarms are told',
        },
        QueueUrl: { value: 'https://sqs.us-east-1.amazonaws.com/000000000000/orders' },
      },
    });
  });

  test('names every resource and setting that is not run', () => {
    expect(assembly.notRun).toEqual([
      {
        stack: 'mini-stateful',
        logicalId: expect.stringMatching(/^OrdersPolicy/),
        type: 'AWS::SQS::QueuePolicy',
        reason: 'policies of resources are not enforced, those of roles are',
      },
      {
        stack: 'mini-stateful',
        logicalId: expect.stringMatching(/^Orders/),
        type: 'AWS::SQS::Queue',
        reason: 'MessageRetentionPeriod is ignored: messages stay until they are deleted',
      },
      {
        stack: 'mini-edge',
        logicalId: expect.stringMatching(/^Unusual/),
        type: 'AWS::CloudWatch::Alarm',
        reason:
          'echo-unusual is not judged: what is usual is not learnt here, so nothing is unusual (anomaly detection)',
      },
    ]);
  });

  test('tells what the app said when it cannot be synthesized', async () => {
    const outDir = join(dir, 'broken');
    const broken = fileURLToPath(new URL('./mini/nowhere.ts', import.meta.url));
    await expect(synthesize({ outDir, app: broken })).rejects.toThrow(/the CDK app failed:[\s\S]*nowhere\.ts/);
  });
});
