import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { startFront } from '../support/front.ts';
import { storeAgreement } from '../support/store-agreement.ts';
import { storeContract } from '../support/store-contract.ts';
import { createTables } from '../support/tables.ts';

async function createPlace() {
  const { client, stop } = await startFront();
  return { store: createDynamoStore({ client, tables: await createTables(client, 'contract') }), stop };
}

storeContract('embedded DynamoDB', createPlace);
storeAgreement('embedded DynamoDB', createPlace);
