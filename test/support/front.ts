import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createDynamoClient } from '../../lib/aws/clients.ts';
import { createDynamoDb, type DynamoDb } from '../../local/aws/dynamodb.ts';
import { createGuard } from '../../local/aws/iam.ts';
import { startAwsServer } from '../../local/aws/server.ts';
import { createClock } from '../../local/clock.ts';

/** The embedded DynamoDB behind the product's own client. */
export interface Front {
  readonly client: DynamoDBDocumentClient;
  readonly dynamoDb: DynamoDb;
  stop(): Promise<void>;
}

const ACCESS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** An empty one on a free port; whoever asks is the administrator. */
export async function startFront(): Promise<Front> {
  const dynamoDb = createDynamoDb({ guard: createGuard(), clock: createClock() });
  const server = await startAwsServer({
    services: [dynamoDb],
    principalOf: (name) => ({ name, arn: `arn:aws:iam::000000000000:user/${name}`, statements: 'administrator' }),
  });
  const client = createDynamoClient({ endpoint: server.endpointUrl, region: 'us-east-1', credentials: ACCESS });
  return {
    client,
    dynamoDb,
    async stop() {
      client.destroy();
      await server.stop();
      await dynamoDb.close();
    },
  };
}
