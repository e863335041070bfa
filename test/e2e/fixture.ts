import { afterAll, beforeAll, expect } from 'vitest';
import type { ApiAnswer } from '../../local/demo/api-client.ts';
import type { Browser, Page } from '../../local/demo/browser.ts';
import { placesOf, secretsOf } from '../../local/demo/canary.ts';
import { findLeaks } from '../../local/demo/leak-scan.ts';
import { createWorld, newBrowser, type World } from '../../local/demo/world.ts';
import { type PlatformOptions, startPlatform } from '../../local/platform.ts';
import { recordUse } from '../support/grant-use.ts';

/** A platform for the tests of one file, started before the first and stopped after the last. */
export function useWorld(options: PlatformOptions = {}): () => World {
  let world: World | undefined;
  beforeAll(async () => {
    world = createWorld(await startPlatform(options));
  });
  afterAll(async () => {
    if (world === undefined) return;
    recordUse(world.platform);
    // Whatever the tests of the file did, and however it failed: no secret may stand anywhere.
    const leaks = findLeaks(await placesOf(world.platform), await secretsOf(world));
    world.tokens.stop();
    await world.platform.stop();
    expect(leaks).toEqual([]);
  });
  return () => {
    if (world === undefined) throw new Error('the platform is not running');
    return world;
  };
}

/** A flow that stands at the provider: the browser has the consent page before it. */
export async function openFlow(
  world: World,
  session: Parameters<World['api']['createSession']>[0],
): Promise<{
  readonly browser: Browser;
  readonly consentPage: Page;
  readonly connectUrl: string;
  readonly sessionId: string;
}> {
  const created = await world.api.createSession(session);
  const browser = newBrowser(world);
  return { ...created, browser, consentPage: await browser.open(created.connectUrl) };
}

/** Status, code and field of an error of the API; the message is the table's and tested there. */
export function errorOf({ status, body }: Pick<ApiAnswer, 'status' | 'body'>): readonly unknown[] {
  const { error } = body as { error?: { code?: string; field?: string; correlation_id?: string } };
  expect(error?.correlation_id).toEqual(expect.any(String));
  return [status, error?.code, ...(error?.field === undefined ? [] : [error.field])];
}

/** A redirect's address, or what was answered instead. */
export function locationOf({ status, headers, html }: Page): string {
  return headers.get('location') ?? `${status} ${html}`;
}

/** How many requests a provider's token endpoint got. */
export async function tokenRequests(world: World, provider: 'quickbooks' | 'xero'): Promise<number> {
  return (await world.providers[provider].ledger()).filter(({ endpoint }) => endpoint === 'token').length;
}
