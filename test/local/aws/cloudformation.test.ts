import { CloudFormationClient, DescribeStacksCommand, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCloudFormation } from '../../../local/aws/cloudformation.ts';
import { createGuard } from '../../../local/aws/iam.ts';
import { startAwsServer } from '../../../local/aws/server.ts';
import { T0 } from '../../support/grants.ts';
import { refusalOf } from './fixture.ts';

const ARN = 'arn:aws:cloudformation:us-east-1:000000000000:stack/app-dev-data/app-dev-data';
const cloudFormation = createCloudFormation({
  guard: createGuard(),
  clock: { now: () => T0 },
  stacks: () => [
    {
      name: 'app-dev-data',
      outputs: { Table: { value: 'a<b>&"c"', description: 'for tools' }, Url: { value: 'http://x/1' } },
    },
    { name: 'app-dev-code', outputs: {} },
  ],
});
let server: Awaited<ReturnType<typeof startAwsServer>>;
let client: CloudFormationClient;
let stranger: CloudFormationClient;

beforeAll(async () => {
  server = await startAwsServer({
    services: [cloudFormation],
    principalOf: (name) => ({ name, arn: `arn:${name}`, statements: name === 'ADMIN' ? 'administrator' : [] }),
  });
  const clientOf = (accessKeyId: string) =>
    new CloudFormationClient({
      endpoint: server.endpointUrl,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey: 'x' },
      maxAttempts: 1,
    });
  client = clientOf('ADMIN');
  stranger = clientOf('STRANGER');
});
afterAll(async () => {
  client.destroy();
  stranger.destroy();
  await server.stop();
});

test.for(['app-dev-data', ARN])('the SDK reads the outputs of %s', async (StackName) => {
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  expect(Stacks).toEqual([
    {
      StackName: 'app-dev-data',
      StackId: ARN,
      CreationTime: new Date(T0),
      StackStatus: 'CREATE_COMPLETE',
      Outputs: [
        { OutputKey: 'Table', OutputValue: 'a<b>&"c"', Description: 'for tools' },
        { OutputKey: 'Url', OutputValue: 'http://x/1' },
      ],
    },
  ]);
});

test('without a name all stacks are described', async () => {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
  expect(Stacks.map(({ StackName }) => StackName)).toEqual(['app-dev-data', 'app-dev-code']);
});

test('a stack that does not exist is refused in CloudFormation’s words', async () => {
  expect(await refusalOf(client.send(new DescribeStacksCommand({ StackName: 'none' })))).toEqual({
    name: 'ValidationError',
    message: 'Stack with id none does not exist',
  });
});

test('a stranger is refused, and so is everything but DescribeStacks', async () => {
  const denied = await refusalOf(stranger.send(new DescribeStacksCommand({ StackName: 'app-dev-data' })));
  expect(denied.name).toBe('AccessDeniedException');
  expect((await refusalOf(client.send(new ListStacksCommand({})))).name).toBe('UnknownOperationException');
});

test('its answers carry the platform’s time', async () => {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=ADMIN/20261120/us-east-1/cloudformation/aws4_request, SignedHeaders=host, Signature=x';
  const answer = await fetch(server.endpointUrl, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=DescribeStacks&Version=2010-05-15',
  });
  expect([answer.status, answer.headers.get('date')]).toEqual([200, 'Fri, 20 Nov 2026 12:00:00 GMT']);
});

test('a failure that was planned happens once', async () => {
  cloudFormation.failNext({ operation: 'DescribeStacks', code: 'Throttling' });
  expect((await refusalOf(client.send(new DescribeStacksCommand({})))).name).toBe('Throttling');
  expect((await refusalOf(client.send(new DescribeStacksCommand({})))).name).toBe('none');
});
