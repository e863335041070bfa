import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;
let secrets: Fixture['admin']['secrets'];
let arn: string;

beforeEach(async () => {
  await fixture?.stop();
  fixture = await startFixture();
  secrets = fixture.admin.secrets;
  arn = fixture.secrets.addSecret({ name: 'grantkeeper/dev/quickbooks', secretString: 'first', description: 'client' });
});
afterAll(() => fixture.stop());

const get = (SecretId: string, more: object = {}) => secrets.send(new GetSecretValueCommand({ SecretId, ...more }));
const put = (SecretString: string, ClientRequestToken: string) =>
  secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString, ClientRequestToken }));

test('a secret answers to its name, its ARN with six characters more, and its ARN without them', async () => {
  expect(arn).toMatch(
    /^arn:aws:secretsmanager:us-east-1:000000000000:secret:grantkeeper\/dev\/quickbooks-[A-Za-z0-9]{6}$/,
  );
  const answers = await Promise.all(['grantkeeper/dev/quickbooks', arn, arn.slice(0, -7)].map((id) => get(id)));
  expect(
    answers.map(({ ARN, Name, SecretString, VersionStages }) => ({ ARN, Name, SecretString, VersionStages })),
  ).toEqual(
    Array.from({ length: 3 }, () => ({
      ARN: arn,
      Name: 'grantkeeper/dev/quickbooks',
      SecretString: 'first',
      VersionStages: ['AWSCURRENT'],
    })),
  );
});

test('a new value makes the last one AWSPREVIOUS and forgets the one before', async () => {
  await put('second', 'v'.repeat(32));
  await put('third', 'w'.repeat(32));
  expect((await get(arn)).SecretString).toBe('third');
  expect((await get(arn, { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('second');
  expect((await get(arn, { VersionId: 'v'.repeat(32) })).SecretString).toBe('second');
  const { VersionIdsToStages, Description } = await secrets.send(new DescribeSecretCommand({ SecretId: arn }));
  expect({ VersionIdsToStages, Description }).toEqual({
    VersionIdsToStages: { ['v'.repeat(32)]: ['AWSPREVIOUS'], ['w'.repeat(32)]: ['AWSCURRENT'] },
    Description: 'client',
  });
});

test('a put repeated under its token changes nothing, with another value it is refused', async () => {
  await put('second', 'v'.repeat(32));
  expect((await put('second', 'v'.repeat(32))).VersionStages).toEqual(['AWSCURRENT']);
  expect((await get(arn, { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('first');
  expect((await refusalOf(put('other', 'v'.repeat(32)))).name).toBe('ResourceExistsException');
});

test('a version under its own stage leaves the current one alone', async () => {
  const command = { SecretId: arn, SecretString: 'pending', VersionStages: ['AWSPENDING'] };
  await secrets.send(new PutSecretValueCommand(command));
  expect((await get(arn)).SecretString).toBe('first');
  expect((await get(arn, { VersionStage: 'AWSPENDING' })).SecretString).toBe('pending');
});

test('created secrets keep binary values, are listed, and exist once', async () => {
  const create = new CreateSecretCommand({ Name: 'binary', SecretBinary: new Uint8Array([0, 255]) });
  await secrets.send(create);
  expect((await get('binary')).SecretBinary).toEqual(new Uint8Array([0, 255]));
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({}));
  expect(SecretList.map(({ Name }) => Name)).toEqual(['grantkeeper/dev/quickbooks', 'binary']);
  expect((await refusalOf(secrets.send(create))).name).toBe('ResourceExistsException');
});

test('what is missing is said: the secret, the value, the stage', async () => {
  fixture.secrets.addSecret({ name: 'empty' });
  expect([
    await refusalOf(get('none')),
    await refusalOf(get('empty')),
    await refusalOf(get(arn, { VersionStage: 'X' })),
  ]).toEqual([
    { name: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." },
    {
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    },
    {
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: X",
    },
  ]);
});

test('an ARN with six wildcards grants the secret of that name and no longer one', async () => {
  const longer = fixture.secrets.addSecret({ name: 'grantkeeper/dev/quickbooks-two', secretString: 'x' });
  const role = fixture.asRole('reader', [
    {
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:grantkeeper/dev/quickbooks-??????',
    },
  ]).secrets;
  const read = (SecretId: string) => refusalOf(role.send(new GetSecretValueCommand({ SecretId })));
  const writing = refusalOf(role.send(new PutSecretValueCommand({ SecretId: arn, SecretString: 'x' })));
  expect([(await read(arn)).name, (await read(longer)).name, (await read('none')).name, (await writing).name]).toEqual([
    'none',
    'AccessDeniedException',
    'AccessDeniedException',
    'AccessDeniedException',
  ]);
});

test('deletion is not implemented, and a planned fault comes as asked', async () => {
  expect((await refusalOf(secrets.send(new DeleteSecretCommand({ SecretId: arn })))).name).toBe(
    'UnknownOperationException',
  );
  fixture.secrets.failNext({ operation: 'GetSecretValue', code: 'InternalServiceError' });
  expect((await refusalOf(get(arn))).name).toBe('InternalServiceError');
  expect((await get(arn)).SecretString).toBe('first');
});
