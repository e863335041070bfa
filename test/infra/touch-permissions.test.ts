import { beforeAll, expect, test } from 'vitest';
import { toTransactItem } from '../../lib/aws/transact-item.ts';
import { decideTouch } from '../../lib/domain/upkeep-decision.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { authorizeKey } from '../../lib/service/authorize-key.ts';
import { accessesOf } from '../../local/aws/dynamodb-access.ts';
import { createGuard, type PolicyStatement } from '../../local/aws/iam.ts';
import { HOUR, QUICKBOOKS_POLICY, quickbooksGrant, T0 } from '../support/grants.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

/**
 * A touch that its own role's condition refuses would fail in silence, because it must not cost a caller anything. So the
 * very requests are put before the very statements.
 */

const TABLE_ARN_PREFIX = 'arn:aws:dynamodb:us-east-1:000000000000:table/';

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp().service);
});

/** Asks the guard for the transaction in the name of a role that has the one statement, whatever its table is called. */
function ask(sid: string, transaction: Transaction): void {
  const statements: PolicyStatement[] = ofType(resources, 'AWS::IAM::Policy').flatMap(
    ({ properties }) => properties.PolicyDocument.Statement,
  );
  const touch = statements.filter(({ Sid }) => Sid === sid).map((statement) => ({ ...statement, Resource: '*' }));
  const principal = { name: sid, arn: 'arn:aws:sts::000000000000:assumed-role/test/test', statements: touch };
  const TransactItems = transaction.writes.map((write) => toTransactItem(write, 'T'));
  const scope = { tableArnPrefix: TABLE_ARN_PREFIX, partitionKeys: new Map() };
  const guard = createGuard();
  for (const access of accessesOf('TransactWriteItems', { TransactItems }, scope)) guard.authorize(principal, access);
}

/** What the authorizer writes for a key that was never used. */
async function keyTouch(): Promise<Transaction> {
  const written: Transaction[] = [];
  await authorizeKey(
    {
      environment: 'dev',
      clock: { now: () => T0, sleep: async () => {} },
      log: () => {},
      store: {
        readApiKey: async () => ({
          v: 1,
          pk: 'x34mvkytjmssvm7p',
          secretHash: '454a8609aa7a83e85ca965b393521321f411191e1cf461099056fe774bf1bd3e',
          name: 'Reports',
          scopes: ['connections:read'],
          organizations: ['acme'],
          createdAt: T0,
        }),
        commit: async (transaction) => {
          written.push(transaction);
          return { committed: true };
        },
      },
    },
    'gk_dev_x34mvkytjmssvm7p_lsvgjjdwbdHyCeKnbXoLItOfm5lmBbGFnUHjFIn70Fo2R2wdi',
  );
  return written[0] ?? { token: '', writes: [] };
}

function grantTouch(): Transaction {
  return (
    decideTouch(quickbooksGrant({ dueAt: T0 + 30 * 24 * HOUR }), QUICKBOOKS_POLICY, T0) ?? { token: '', writes: [] }
  );
}

test('the authorizer’s role lets it note the use of a key', async () => {
  const touch = await keyTouch();
  expect(touch.writes).toMatchObject([{ op: 'update', set: { lastUsedAt: T0 } }]);
  ask('TouchApiKeys', touch);
});

test('get-token’s role lets it note the use of a grant and bring it forward', () => {
  const touch = grantTouch();
  expect(touch.writes).toMatchObject([{ op: 'update', set: { lastUsedAt: T0, dueAt: expect.any(Number) } }]);
  ask('TouchGrants', touch);
});

test('neither may change anything else', async () => {
  const more = ({ token, writes }: Transaction, set: object): Transaction =>
    ({ token, writes: writes.map((write) => ({ ...write, set })) }) as Transaction;
  const key = await keyTouch();
  expect(() => ask('TouchApiKeys', more(key, { organizations: '*' }))).toThrow('not authorized');
  expect(() => ask('TouchGrants', more(grantTouch(), { current: 'x' }))).toThrow('not authorized');
});
