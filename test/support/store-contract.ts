import { afterAll, beforeAll, describe } from 'vitest';
import type { Store } from '../../lib/service/ports.ts';
import { changeTests } from './store-contract/changes.ts';
import { conditionTests } from './store-contract/conditions.ts';
import { dueTests } from './store-contract/due.ts';
import { operationTests } from './store-contract/operations.ts';
import { providerTests } from './store-contract/provider.ts';
import { readTests } from './store-contract/reads.ts';
import { repeatTests } from './store-contract/repeats.ts';
import { scanTests } from './store-contract/scans.ts';
import { transactionTests } from './store-contract/transactions.ts';

/** A store to be tried, and how to end what it stands on. */
export interface StorePlace {
  readonly store: Store;
  stop?(): Promise<void>;
}

/**
 * What every store must do, whatever it stands on. Tests share one store and take keys of their own, so it may be a
 * database.
 */
export function storeContract(name: string, createPlace: () => Promise<StorePlace>): void {
  describe(`the ${name} store`, () => {
    let place: StorePlace;
    beforeAll(async () => {
      place = await createPlace();
    });
    afterAll(() => place.stop?.());
    const store = () => place.store;

    describe('reads', () => readTests(store));
    describe('conditions', () => conditionTests(store));
    describe('changes', () => changeTests(store));
    describe('operations', () => operationTests(store));
    describe('transactions', () => transactionTests(store));
    describe('repeats', () => repeatTests(store));
    describe('the state of a provider', () => providerTests(store));
    describe('scans', () => scanTests(store));
    describe('the due index', () => dueTests(store));
  });
}
