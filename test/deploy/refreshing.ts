import assert from 'node:assert/strict';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { TokenClient } from '../../local/demo/token-client.ts';
import type { LedgerEntry } from '../../local/simulators/ledger.ts';
import type { Checks } from './checks.ts';
import { CONNECTIONS, opensCompany } from './connecting.ts';
import { eventually } from './eventually.ts';
import type { Stage } from './stage.ts';

/** Half of a token's life, up to a minute until the rule fires, and a minute to spare. */
export const SCHEDULE_SECONDS = 170;

/** What was served before the schedule had anything to do: the versions of the tokens, in the order of `CONNECTIONS`. */
export async function serveFirst(checks: Checks, stage: Stage, tokens: TokenClient): Promise<readonly number[]> {
  return await checks.that('nothing has been refreshed yet', async () => {
    const versions = await serveAll(stage, tokens);
    assert.deepEqual(await allRefreshes(stage), []);
    return versions;
  });
}

/** Waits for the rule to fire: the providers' ledgers show refreshes that nobody asked for. */
export async function refreshBySchedule(
  checks: Checks,
  stage: Stage,
  { tokens, before }: { readonly tokens: TokenClient; readonly before: readonly number[] },
): Promise<void> {
  await checks.that('the rule of EventBridge fires by itself and every grant is refreshed', async () => {
    await eventually('two refreshes at QuickBooks and one at Xero', SCHEDULE_SECONDS, async () => {
      const [quickbooks, xero] = [await refreshes(stage, 'quickbooks'), await refreshes(stage, 'xero')];
      return quickbooks.length >= 2 && xero.length >= 1 ? true : undefined;
    });
  });
  await checks.that('each alone, with a token that was sent once and is rotated', async () => {
    const seen = await allRefreshes(stage);
    const facts = seen.map(({ status, inFlight, rotated }) => ({ status, inFlight, rotated }));
    assert.deepEqual(facts, Array(seen.length).fill({ status: 200, inFlight: 1, rotated: true }));
    assert.equal(new Set(seen.map(({ tokenHash }) => tokenHash)).size, seen.length);
  });
  await checks.that('get-token serves the new tokens, which open their companies', async () => {
    const after = await serveAll(stage, tokens);
    const isNewer = after.map((version, index) => version > (before[index] ?? version));
    assert.deepEqual(isNewer, [true, true, true]);
  });
}

async function serveAll(stage: Stage, tokens: TokenClient): Promise<number[]> {
  return await Promise.all(Object.values(CONNECTIONS).map((each) => opensCompany(stage, tokens, each)));
}

async function allRefreshes(stage: Stage): Promise<readonly LedgerEntry[]> {
  return [...(await refreshes(stage, 'quickbooks')), ...(await refreshes(stage, 'xero'))];
}

/** The provider's own record of refreshes, oldest first. */
export async function refreshes(stage: Stage, provider: ProviderId): Promise<readonly LedgerEntry[]> {
  return await stage.providers[provider].refreshes();
}
