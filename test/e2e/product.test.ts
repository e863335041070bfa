import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Page } from '../../local/demo/browser.ts';
import { allowXero, connect, whereOf, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { CONSUMERS, describeAccess } from './access-suite.ts';
import { describeBadInput } from './bad-input-suite.ts';
import { describeConnect } from './connect-suite.ts';
import { tokenRequests, useWorld } from './fixture.ts';
import { describeLate } from './late-suite.ts';

/** One platform for all that runs with the settings of `npm start`; the suites stand in the order they need. */
const world = useWorld({ context: { consumers: JSON.stringify(CONSUMERS) } });

/** Begun first and looked at late: it takes the product's own 25 s. */
let slow: Promise<{ readonly page: Page; readonly sessionId: string; readonly seconds: number }>;
beforeAll(async () => {
  await world().providers.xero.fault({ endpoint: 'token', kind: 'slow', delayMs: 26_500 });
  const startedAt = performance.now();
  const consent = allowXero('owner', [XERO_ORGANISATIONS.acme]);
  const flow = connect(world(), { organizationId: 'slow', provider: 'xero', consent });
  slow = flow.then((ended) => ({ ...ended, seconds: (performance.now() - startedAt) / 1000 }));
  // A failure is told by the test that looks at it.
  slow.catch(() => {});
  // The fault is for this flow alone.
  await vi.waitFor(async () => expect(await tokenRequests(world(), 'xero')).toBe(1), { timeout: 20_000, interval: 50 });
});

describeConnect(world);
describe('bad input', () => describeBadInput(world));
describeAccess(world);

describe('a provider slower than the gateway', () => {
  test('leaves the browser with “pending” after 25 s, and the connection comes all the same', async () => {
    const { page, seconds, sessionId } = await slow;
    expect(whereOf(page)).toBe('/settings/integrations?connected=pending&system=xero');
    expect(seconds).toBeGreaterThan(25);
    expect(seconds).toBeLessThan(29);
    await expect.poll(async () => (await world().api.session(sessionId)).body.stage, { timeout: 8_000 }).toBe('linked');
    expect((await world().api.status('slow', 'xero')).body).toMatchObject({
      connected: true,
      company_name: 'Acme Trading',
    });
  }, 45_000);
});

describeLate(world);
