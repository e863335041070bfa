import { beforeAll, describe, expect, test } from 'vitest';
import { createHandler } from '../../functions/get-token.ts';
import type { ConsumerMap } from '../../lib/domain/consumer.ts';
import { ERRORS } from '../../lib/domain/errors.ts';
import type { LivingGrant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { GetTokenPorts } from '../../lib/service/get-access-token.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../support/grants.ts';
import { createMemoryCipher } from '../support/memory-cipher.ts';
import { createMemoryStore } from '../support/memory-store.ts';

/** acme and beta are clients of one accountant, so one Xero grant serves both; gamma has one of its own. */
const GRANTS: readonly LivingGrant[] = [
  quickbooksGrant({ pk: 'quickbooks#1', orgs: new Set(['acme']) }),
  quickbooksGrant({ pk: 'quickbooks#2', orgs: new Set(['beta']) }),
  quickbooksGrant({ pk: 'quickbooks#3', orgs: new Set(['gamma']) }),
  xeroGrant({ pk: 'xero#accountant', orgs: new Set(['acme', 'beta']) }),
  xeroGrant({ pk: 'xero#owner', orgs: new Set(['gamma']) }),
];

const CONSUMERS: ConsumerMap = {
  everything: { organisations: '*', providers: ['quickbooks', 'xero'] },
  'acme-books': { organisations: ['acme'], providers: ['quickbooks', 'xero'] },
  'beta-xero': { organisations: ['beta'], providers: ['xero'] },
  'gamma-xero': { organisations: ['gamma'], providers: ['xero'] },
  accountant: { organisations: ['acme', 'beta'], providers: ['xero'] },
  quickbooks: { organisations: '*', providers: ['quickbooks'] },
  idle: { organisations: [], providers: ['quickbooks', 'xero'] },
};

/**
 * `ok`, `no`: refused as `consumer_refused`; `shared`: refused as `shared_grant_refused` unless shared grants are allowed.
 * The first three columns are QuickBooks of acme, beta and gamma, the others Xero of the same.
 */
const MATRIX: readonly (readonly [alias: string | undefined, verdicts: string])[] = [
  ['everything', 'ok ok ok  ok     ok     ok'],
  ['acme-books', 'ok no no  shared no     no'],
  ['beta-xero ', 'no no no  no     shared no'],
  ['gamma-xero', 'no no no  no     no     ok'],
  ['accountant', 'no no no  ok     ok     no'],
  ['quickbooks', 'ok ok ok  no     no     no'],
  ['idle      ', 'no no no  no     no     no'],
  ['unnamed   ', 'no no no  no     no     no'],
  ['EVERYTHING', 'no no no  no     no     no'],
  ['__proto__ ', 'no no no  no     no     no'],
  ['$LATEST   ', 'no no no  no     no     no'],
  ['7         ', 'no no no  no     no     no'],
  [undefined, '   no no no  no     no     no'],
];

const COLUMNS = (['quickbooks', 'xero'] as const).flatMap((provider) =>
  ['acme', 'beta', 'gamma'].map((organizationId) => ({ organizationId, provider })),
);

const output = captureOutput();

/** The handler over stored grants, each with a token of its own. */
async function handlerWith(allowSharedGrants: boolean) {
  const clock = createFakeClock({ startAt: T0 + 60_000, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  const cipher = createMemoryCipher();
  for (const grant of GRANTS) {
    const sealer = await cipher.arm({ provider: grant.provider, grant: grant.pk, purpose: 'access' });
    const access = { ...grant.access, ...sealer.seal(new Secret(tokenOf(grant.pk)), grant.pk, grant.access.attemptId) };
    const item = { ...grant, access, lastUsedAt: T0 };
    const connections = [...(grant.orgs ?? [])].map((organization) => connectionOf(organization, grant));
    const puts = [
      { table: 'grants', key: { pk: grant.pk }, when: [], op: 'put', item } as const,
      ...connections.map(
        (each) =>
          ({ table: 'connections', key: { pk: each.pk, sk: each.sk }, when: [], op: 'put', item: each }) as const,
      ),
    ];
    await store.commit({ token: `seed ${grant.pk}`, writes: puts });
  }
  const ports: GetTokenPorts = {
    store,
    cipher,
    clock,
    policies: createPolicies(),
    requestRefresh: async () => undefined,
    apiBaseUrl: (provider) => `https://${provider}.example.com`,
    allowSharedGrants,
    count: () => undefined,
    log: () => undefined,
    remembered: new Map(),
  };
  return createHandler(
    () => ports,
    () => CONSUMERS,
  );
}

function connectionOf(organizationId: string, { pk, provider }: LivingGrant) {
  const tenantId = `${organizationId}-books`;
  return quickbooksConnection({
    pk: `ORG#${organizationId}`,
    sk: provider,
    provider,
    organizationId,
    grant: pk,
    tenantId,
  });
}

function tokenOf(grant: string): string {
  return `token of ${grant}`;
}

describe.for([false, true])('with allowSharedGrants %j', (allowSharedGrants) => {
  let handler: Awaited<ReturnType<typeof handlerWith>>;
  beforeAll(async () => {
    handler = await handlerWith(allowSharedGrants);
  });

  const cases = MATRIX.flatMap(([alias, verdicts]) => {
    const words = verdicts.trim().split(/ +/);
    return COLUMNS.map((column, index) => ({ ...column, alias: alias?.trim(), verdict: words[index] ?? 'missing' }));
  });

  test.for(cases)('invoked as $alias for $provider of $organizationId: $verdict', async (row) => {
    const { alias, verdict, organizationId, provider } = row;
    const answer = await handler({ organizationId, provider }, invokeContext(alias));
    const isServed = verdict === 'ok' || (verdict === 'shared' && allowSharedGrants);
    const code = verdict === 'shared' ? 'shared_grant_refused' : 'consumer_refused';
    const refused = { status: 'error', code, message: ERRORS[code].message };
    expect(answer).toEqual(isServed ? served(organizationId, provider) : refused);
    expect(output.text()).not.toContain('token of ');
  });
});

/** The organisation's own token and company, never another's. */
function served(organizationId: string, provider: ProviderId) {
  return {
    status: 'ok',
    accessToken: tokenOf(grantOf(organizationId, provider)),
    tokenType: 'Bearer',
    expiresAt: provider === 'xero' ? '2026-11-20T12:30:00.000Z' : '2026-11-20T13:00:00.000Z',
    tokenVersion: 7,
    tenantId: `${organizationId}-books`,
    environment: 'sandbox',
    apiBaseUrl: `https://${provider}.example.com`,
  };
}

/** The grant that serves the organisation. */
function grantOf(organizationId: string, provider: ProviderId): string {
  return GRANTS.find((grant) => grant.provider === provider && grant.orgs?.has(organizationId))?.pk ?? '';
}
