import { createHash } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDynamoClient } from '../../lib/aws/clients.ts';
import { FUNCTIONS, type FunctionName, type ProviderId, type TableName } from '../../lib/domain/names.ts';
import {
  allowQuickBooks,
  allowXero,
  connect,
  REALMS,
  type World,
  whereOf,
  XERO_ORGANISATIONS,
} from '../../local/demo/world.ts';
import { functionNamed } from '../../local/function-names.ts';
import { tableNameOf } from '../../local/seed.ts';

/** The consumers this suite needs, besides the default one. */
export const CONSUMERS = {
  default: { organisations: '*', providers: ['quickbooks', 'xero'] },
  reports: { organisations: ['acme', 'nobody'], providers: ['quickbooks', 'xero'] },
  books: { organisations: '*', providers: ['quickbooks'] },
};

/**
 * Who may do what: consumers of get-token, and functions with their own roles. After `describeConnect`, whose
 * organisation `choosing` shares the accountant's Xero grant with `acme` here.
 */
export function describeAccess(world: () => World): void {
  describe('roles and consumers', () => {
    beforeAll(async () => {
      const xero = allowXero('accountant', [XERO_ORGANISATIONS.birch]);
      const linked = await connect(world(), { organizationId: 'acme', provider: 'xero', consent: xero });
      expect(whereOf(linked.page)).toContain('connected=true');
      const quickbooks = allowQuickBooks(REALMS.acme);
      await connect(world(), { organizationId: 'acme', provider: 'quickbooks', consent: quickbooks });
      await world().tokens.need({ organizationId: 'acme', provider: 'quickbooks' });
    });

    /** `ok`, or the code of the refusal. */
    async function ask(consumer: keyof typeof CONSUMERS, organizationId: string, provider: ProviderId) {
      const alias = world().platform.functions['get-token'].replace(/:default$/, `:${consumer}`);
      const answer = await world().tokens.get({ organizationId, provider }, alias);
      return answer.status === 'ok' ? 'ok' : answer.code;
    }

    test.for<[keyof typeof CONSUMERS, string, ProviderId, string]>([
      ['reports', 'acme', 'quickbooks', 'ok'],
      ['reports', 'choosing', 'xero', 'consumer_refused'],
      ['reports', 'nobody', 'xero', 'not_connected'],
      // The grant also serves `choosing`, which this consumer may not see.
      ['reports', 'acme', 'xero', 'shared_grant_refused'],
      ['books', 'acme', 'quickbooks', 'ok'],
      ['books', 'acme', 'xero', 'consumer_refused'],
      ['default', 'acme', 'xero', 'ok'],
    ])('the consumer %s asks for %s at %s: %s', async ([consumer, organizationId, provider, expected]) => {
      expect(await ask(consumer, organizationId, provider)).toBe(expected);
    });

    test('an alias that does not exist cannot be invoked', async () => {
      const stranger = world().platform.functions['get-token'].replace(/:default$/, ':stranger');
      await expect(world().tokens.get({ organizationId: 'acme', provider: 'xero' }, stranger)).rejects.toThrow(
        'Function not found',
      );
    });

    test('every function did its part of the story with its own role, and none was refused', async () => {
      const { api, platform, tokens } = world();
      await api.status('acme', 'xero');
      await api.disconnect('choosing', 'xero');
      const question = { organizationId: 'acme', provider: 'quickbooks' } as const;
      const { tokenVersion } = await tokens.need(question);
      const renewed = await tokens.need({ ...question, rejected: { tokenVersion, reason: 'token' } });
      expect(renewed.tokenVersion).toBe(tokenVersion + 1);
      await tokens.invoke(platform.functions['refresh-due'], {});
      const { allowed, denied } = platform.guardReport();
      expect(denied).toEqual([]);
      const principals = new Set(allowed.map(({ principal }) => principal));
      // Nothing had to be rescued here; that story is in rescue.test.ts.
      const active = FUNCTIONS.filter((name) => name !== 'rescue');
      expect([...principals].toSorted()).toEqual(active.map((name) => `grantkeeper-local-${name}`).toSorted());
    });

    describe('with the credentials of a function', () => {
      /** What one function may ask AWS for. */
      function asFunction(name: FunctionName) {
        const { platform } = world();
        const credentials = { ...platform.aws.credentialsOf(functionNamed(platform.assembly, name)) };
        const place = { endpoint: platform.awsEndpointUrl, region: platform.region, credentials, maxAttempts: 1 };
        const clients = {
          kms: new KMSClient(place),
          dynamodb: createDynamoClient(place),
          secrets: new SecretsManagerClient(place),
          lambda: new LambdaClient(place),
        };
        used.push(...Object.values(clients));
        return clients;
      }
      const used: { destroy(): void }[] = [];
      afterAll(() => {
        for (const client of used) client.destroy();
      });

      const table = (name: TableName) => tableNameOf(world().platform.assembly, name);
      const GRANT = `quickbooks#${REALMS.acme}`;

      async function decrypt(name: FunctionName, purpose: 'access' | 'refresh') {
        const { platform } = world();
        const grants = (await platform.dumpTables())[table('grants')] ?? [];
        const grant = grants.find(({ pk }) => pk === GRANT);
        const sealed = grant?.[purpose === 'access' ? 'access' : 'current'] as { dataKey: Uint8Array };
        const command = new DecryptCommand({
          CiphertextBlob: sealed.dataKey,
          EncryptionContext: {
            app: 'grantkeeper',
            env: 'local',
            grant: createHash('sha256').update(GRANT).digest('hex'),
            provider: 'quickbooks',
            purpose,
          },
        });
        const { Plaintext } = await asFunction(name).kms.send(command);
        return Plaintext?.length;
      }

      test('get-token opens access tokens and no refresh token; the refresher opens both', async () => {
        expect(await decrypt('get-token', 'access')).toBe(32);
        await expect(decrypt('get-token', 'refresh')).rejects.toThrow(/not authorized to perform: kms:Decrypt/);
        expect(await decrypt('refresh-grant', 'refresh')).toBe(32);
        await expect(decrypt('callback', 'access')).rejects.toThrow(/not authorized to perform: kms:Decrypt/);
      });

      test.for<[FunctionName, string, (clients: ReturnType<typeof asFunction>) => Promise<unknown>]>([
        [
          'get-token',
          'kms:GenerateDataKey',
          ({ kms }) => kms.send(new GenerateDataKeyCommand({ KeyId: keyArn(), KeySpec: 'AES_256' })),
        ],
        [
          'get-token',
          'dynamodb:GetItem',
          ({ dynamodb }) => dynamodb.send(new GetCommand({ TableName: table('apiKeys'), Key: { pk: 'x' } })),
        ],
        [
          'get-token',
          'dynamodb:UpdateItem',
          ({ dynamodb }) =>
            dynamodb.send(
              new UpdateCommand({
                TableName: table('grants'),
                Key: { pk: GRANT },
                UpdateExpression: 'SET orgs = :x',
                ExpressionAttributeValues: { ':x': 'y' },
              }),
            ),
        ],
        [
          'status',
          'secretsmanager:GetSecretValue',
          ({ secrets }) =>
            secrets.send(new GetSecretValueCommand({ SecretId: 'grantkeeper/local/xero/sandbox/client' })),
        ],
        [
          'callback',
          'secretsmanager:GetSecretValue',
          ({ secrets }) =>
            secrets.send(new GetSecretValueCommand({ SecretId: 'grantkeeper/local/xero/sandbox/client' })),
        ],
        [
          'authorizer',
          'dynamodb:GetItem',
          ({ dynamodb }) => dynamodb.send(new GetCommand({ TableName: table('grants'), Key: { pk: GRANT } })),
        ],
        [
          'refresh-grant',
          'dynamodb:Query',
          ({ dynamodb }) =>
            dynamodb.send(
              new QueryCommand({
                TableName: table('grants'),
                IndexName: 'due',
                KeyConditionExpression: 'duePartition = :x',
                ExpressionAttributeValues: { ':x': 'xero#00' },
              }),
            ),
        ],
        [
          'connect',
          'lambda:InvokeFunction',
          ({ lambda }) =>
            lambda.send(new InvokeCommand({ FunctionName: world().platform.functions['finish-connect'] })),
        ],
        [
          'finish-connect',
          'lambda:InvokeFunction',
          ({ lambda }) => lambda.send(new InvokeCommand({ FunctionName: world().platform.functions['get-token'] })),
        ],
      ])('%s may not %s where it has no business', async ([name, action, attempt]) => {
        await expect(attempt(asFunction(name))).rejects.toThrow(`not authorized to perform: ${action}`);
        const { denied } = world().platform.guardReport();
        expect(denied.map((use) => `${use.principal} ${use.action}`)).toContain(`grantkeeper-local-${name} ${action}`);
      });

      function keyArn(): string {
        return world().platform.assembly.keys[0]?.arn ?? '';
      }
    });
  });
}
