import { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { clientSecretName, PROVIDER_IDS, stateKeysSecretName } from '../lib/domain/names.ts';
import { acknowledge } from './acknowledge.ts';
import type { Config } from './config.ts';

/** 43 letters and digits read as base64url are 32 bytes, and 62^43 > 2^256. */
const STATE_KEY_LENGTH = 43;

/** The generated state key comes with this id; an operator who rotates it gives the next one another. */
const FIRST_STATE_KEY_ID = '1';

/**
 * The secrets, with values that CloudFormation makes up and never sees again: a deployment does not overwrite what was
 * put there later. Client secrets hold placeholders until an operator puts the provider's values (README). They are
 * under the account's own Secrets Manager key: a key of ours would have to be opened to every function that reads a
 * secret and would protect against nobody whom GetSecretValue does not.
 */
export class GrantkeeperSecrets extends Construct {
  /** JSON `{"clientId", "clientSecret"}` of each provider, for the configured side. */
  readonly clients: readonly Secret[];
  /**
   * JSON `{"id", "key"}`: the ring with this key as current. An operator turns the keys in two puts, five minutes (the
   * functions' cache) apart: first the old one with the new as `previous`, `{"id", "key", "previous": {"id", "key"}}`, so
   * that every callback knows the new one before anybody signs with it; then the other way round.
   */
  readonly stateKeys: Secret;

  constructor(scope: Construct, id: string, config: Pick<Config, 'environment' | 'providerEnvironment'>) {
    super(scope, id);
    const { environment, providerEnvironment } = config;
    this.clients = PROVIDER_IDS.map(
      (provider) =>
        new Secret(this, `${provider}-client`, {
          secretName: clientSecretName(environment, provider, providerEnvironment),
          description: `Client id and secret of our ${providerEnvironment} app at ${provider}`,
          generateSecretString: {
            secretStringTemplate: JSON.stringify({ clientId: 'replace-me' }),
            generateStringKey: 'clientSecret',
          },
          // Kept by a destroy, but not by a first deployment that is rolled back: its name would block the next.
          removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        }),
    );
    this.stateKeys = new Secret(this, 'state-keys', {
      secretName: stateKeysSecretName(environment),
      description: 'Signs the state parameter of connect flows',
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ id: FIRST_STATE_KEY_ID }),
        generateStringKey: 'key',
        passwordLength: STATE_KEY_LENGTH,
        excludePunctuation: true,
      },
      // State lives ten minutes: a new key costs a retry of the flows under way, nothing more.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    for (const client of this.clients) {
      acknowledge(client, {
        'AwsSolutions-SMG4':
          'The provider makes the client secret; it changes in its portal first and is put here after.',
      });
    }
    acknowledge(this.stateKeys, {
      'AwsSolutions-SMG4':
        'npm run ops -- rotate state-key turns it in two steps, so that states under way stay valid.',
    });
  }
}
