import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { costTable, MEASURED } from '../../infra/cost.ts';
import type { FunctionName } from '../../lib/domain/names.ts';
import { allowXero, connect, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { useWorld } from './fixture.ts';

/** What one refresh, one token and one sweep ask AWS for: the counts the cost table is made of. */

const world = useWorld();
const BIRCH = { organizationId: 'birch', provider: 'xero' } as const;

beforeAll(async () => {
  await connect(world(), { ...BIRCH, consent: allowXero('accountant', [XERO_ORGANISATIONS.birch]) });
  await world().tokens.need(BIRCH);
  // What follows a connect (a look at the companies) is over.
  await world().platform.advance(300);
});

type Counts = Readonly<Record<string, number>>;

/** Actions a function was allowed while something happened, by name. */
async function actionsOf(name: FunctionName, happens: () => Promise<unknown>): Promise<Counts> {
  const before = totals(name);
  await happens();
  const after = totals(name);
  const grown = Object.entries(after).map(([action, count]) => [action, count - (before[action] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

function totals(name: FunctionName): Counts {
  const own = world()
    .platform.guardReport()
    .allowed.filter(({ principal }) => principal === `grantkeeper-local-${name}`);
  const sum = new Map<string, number>();
  for (const { action, count } of own) sum.set(action, (sum.get(action) ?? 0) + count);
  return Object.fromEntries(sum);
}

test('a sweep with nothing to do', async () => {
  const counts = await actionsOf('refresh-due', () => world().platform.advance(60));
  expect(counts).toEqual({
    'dynamodb:Query': 56,
    'dynamodb:GetItem': 6,
    'kms:DescribeKey': MEASURED.sweep.keyRequests,
    'cloudwatch:PutMetricData': MEASURED.sweep.gaugeRequests,
  });
  // A query that finds nothing is half a unit, a consistent read of a small item is one.
  expect(MEASURED.sweep.readUnits).toBe(56 * 0.5 + 6);
});

test('a refresh by the schedule', async () => {
  const { platform, providers } = world();
  const refreshes = async () => (await providers.xero.refreshes()).length;
  const [refreshed, told] = [await refreshes(), platform.aws.eventBridge.events().length];
  let minutes = 0;
  const counts = await actionsOf('refresh-due', async () => {
    for (; (await refreshes()) === refreshed && minutes < 20; minutes += 1) await platform.advance(60);
  });
  const more = (action: string, each: number) => (counts[action] ?? 0) - each * minutes;
  const [updates, puts] = [counts['dynamodb:UpdateItem'] ?? 0, counts['dynamodb:PutItem'] ?? 0];
  // Lease and commit; the third says of the provider, once a minute for all grants, that it is well.
  expect([updates, puts]).toEqual([3, 1]);
  // A grant of 4 KB and the audit row, each twice because they are transactions; each date takes the index two.
  expect(MEASURED.refresh.writeUnits).toBe(2 * (2 * 4 + 1) + 2 * 2);
  expect(more('dynamodb:GetItem', 6)).toBe(MEASURED.refresh.readUnits);
  const keyRequests = (counts['kms:GenerateDataKey'] ?? 0) + (counts['kms:Decrypt'] ?? 0);
  expect(keyRequests).toBe(MEASURED.refresh.keyRequests);
  expect(platform.aws.eventBridge.events().length - told).toBe(MEASURED.refresh.events);
});

test('a token that is handed out again', async () => {
  await world().tokens.need(BIRCH);
  const counts = await actionsOf('get-token', () => world().tokens.need(BIRCH));
  // One request reads both, consistently: a unit for each.
  expect(counts).toEqual({ 'dynamodb:BatchGetItem': MEASURED.token.readUnits });
});

test('the table of the README is what the formula gives', () => {
  expect(readFileSync('README.md', 'utf8')).toContain(costTable());
});
