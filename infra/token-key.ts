import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';

/**
 * The key that wraps the data keys of tokens (design §4). Every statement that allows its use names app, environment
 * and purpose of the encryption context, which is why the tables have a key of their own: DynamoDB's context has none
 * of these, and a statement wide enough for it would let a role decrypt tokens of the other purpose.
 * Rotated yearly by KMS; deleting it would lose every token, so it stays when the stack goes, and waits 30 days.
 */
export class TokenKey extends Construct {
  readonly key: IKey;

  constructor(scope: Construct, id: string, { environment }: { readonly environment: string }) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      alias: `${APP}/${environment}/tokens`,
      description: `Grantkeeper ${environment}: wraps the data keys of OAuth tokens`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
