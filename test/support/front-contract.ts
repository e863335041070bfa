import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Context } from './front-contract/helpers.ts';
import { itemTests, singleTests } from './front-contract/items.ts';
import { validationTests } from './front-contract/refusals.ts';
import { cancellationTests, tokenTests } from './front-contract/transactions.ts';
import { createTables } from './tables.ts';

/** A DynamoDB to be tried, and how to end it. */
export interface FrontPlace {
  readonly client: DynamoDBDocumentClient;
  stop?(): Promise<void>;
}

/**
 * What the product's adapters rely on in DynamoDB itself, in its wire types: the embedded one must do as AWS's own does.
 * Wording of messages is left out, codes and members are not.
 */
export function frontContract(name: string, connect: () => Promise<FrontPlace>): void {
  describe(`${name}, as DynamoDB`, () => {
    let place: FrontPlace;
    let table: string;
    beforeAll(async () => {
      place = await connect();
      table = (await createTables(place.client, `front-${randomUUID().slice(0, 8)}`)).grants;
    });
    afterAll(() => place.stop?.());
    const context = (): Context => ({ client: place.client, TableName: table });

    describe('TransactWriteItems', () => cancellationTests(context));
    describe('request tokens', () => tokenTests(context));
    describe('requests that cannot be', () => validationTests(context));
    describe('single writes', () => singleTests(context));
    describe('sets, maps and the index', () => itemTests(context));
  });
}
