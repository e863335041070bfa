/** A process of its own: KMS and Secrets Manager of the embedded AWS, and SQS by fauxqs. */
import { startFauxqs } from 'fauxqs';
import { clientSecretName, PROVIDER_IDS } from '../../lib/domain/names.ts';
import { createGuard } from '../../local/aws/iam.ts';
import { createKms } from '../../local/aws/kms.ts';
import { createSecretsManager } from '../../local/aws/secrets-manager.ts';
import { startAwsServer } from '../../local/aws/server.ts';
import { createClock } from '../../local/clock.ts';
import { serve } from './children.ts';
import type { AwsPlace } from './place.ts';

/** What can be asked of the process of AWS. */
export type AwsHandlers = typeof handlers;

export interface AwsOptions {
  readonly environment: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** After so long a message that was received and not deleted is seen again. */
  readonly visibilitySeconds: number;
}

const handlers = {
  async start({ environment, client, visibilitySeconds }: AwsOptions): Promise<AwsPlace> {
    const guard = createGuard();
    const kms = createKms({ guard });
    const secretsManager = createSecretsManager({ guard, clock: createClock() });
    for (const provider of PROVIDER_IDS) {
      const name = clientSecretName(environment, provider, 'sandbox');
      secretsManager.addSecret({ name, secretString: JSON.stringify(client) });
    }
    const { endpointUrl } = await startAwsServer({
      services: [kms, secretsManager],
      principalOf: (name) => ({ name, arn: `arn:aws:iam::000000000000:user/${name}`, statements: 'administrator' }),
    });
    const queues = await startFauxqs({ port: 0, logger: false });
    const urlOf = (name: string): string => `${queues.address}/000000000000/${name}`;
    const deadLetter = queues.createQueue('rescue-dead-letter');
    queues.createQueue('rescue', {
      attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetter.queueArn, maxReceiveCount: '288' }),
      },
    });
    return {
      environment,
      awsUrl: endpointUrl,
      keyArn: kms.addKey({ aliases: ['tokens'] }),
      sqsUrl: queues.address,
      rescueQueueUrl: urlOf('rescue'),
      rescueDeadLetterUrl: urlOf('rescue-dead-letter'),
    };
  },
};

serve(handlers);
