import { randomUUID } from 'node:crypto';
import { createDynamoClient } from '../../lib/aws/clients.ts';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { frontContract } from '../support/front-contract.ts';
import { storeAgreement } from '../support/store-agreement.ts';
import { storeContract } from '../support/store-contract.ts';
import { createTables } from '../support/tables.ts';

/** Run by test/tools/dynamodb-local.ts, which says where DynamoDB Local listens. */
function connect() {
  const endpoint = process.env.DYNAMODB_LOCAL_URL;
  if (endpoint === undefined) throw new Error('run this by: npm run test:dynamodb-local');
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return createDynamoClient({ endpoint, region: 'us-east-1', credentials });
}

async function createPlace() {
  const client = connect();
  const tables = await createTables(client, `contract-${randomUUID().slice(0, 8)}`);
  return { store: createDynamoStore({ client, tables }), stop: async () => client.destroy() };
}

storeContract('AWS’s DynamoDB Local', createPlace);
storeAgreement('AWS’s DynamoDB Local', createPlace);
frontContract('AWS’s DynamoDB Local', async () => {
  const client = connect();
  return { client, stop: async () => client.destroy() };
});
