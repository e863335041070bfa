import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';

/**
 * The key DynamoDB encrypts the tables with: ours, so that its use is in our CloudTrail and can be cut off. Tokens are
 * ciphertext already before they come here. Callers use it through DynamoDB only; that is said once, in the key's
 * policy, in the form DynamoDB documents, so no role has a statement on it and what a role may read is decided by its
 * statements on tables alone.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
export class TableKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, { environment }: { readonly environment: string }) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      alias: `${APP}/${environment}/tables`,
      description: `Grantkeeper ${environment}: encrypts the DynamoDB tables`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const { account, region } = Stack.of(this);
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'ThroughDynamoDbForThisAccount',
        // Whoever DynamoDB acts for; the conditions keep it to this account and to DynamoDB.
        principals: [new AnyPrincipal()],
        actions: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncryptFrom',
          'kms:ReEncryptTo',
          'kms:GenerateDataKey',
          'kms:GenerateDataKeyWithoutPlaintext',
          'kms:DescribeKey',
          'kms:CreateGrant',
        ],
        // In a key's own policy `*` is that key.
        resources: ['*'],
        conditions: {
          StringEquals: { 'kms:CallerAccount': account, 'kms:ViaService': `dynamodb.${region}.amazonaws.com` },
        },
      }),
    );
  }
}
