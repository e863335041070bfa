import { setTimeout as sleep } from 'node:timers/promises';
import type { Story } from '../story.ts';
import { REALMS, type World } from '../world.ts';

const QUESTION = { organizationId: 'acme', provider: 'quickbooks' } as const;
const SLOW_MS = 3_000;

/** The token endpoint takes its time. */
export async function slowProvider(world: World, story: Story): Promise<void> {
  story.chapter('QuickBooks answers slowly');
  await whileStillValid(world, story);
  await onceExpired(world, story);
}

async function whileStillValid({ platform, tokens, providers }: World, story: Story): Promise<void> {
  const before = await tokens.need(QUESTION);
  await providers.quickbooks.fault({ endpoint: 'token', kind: 'slow', delayMs: SLOW_MS });
  const leftSeconds = (Date.parse(before.expiresAt) - platform.clock.now()) / 1000;
  platform.clock.advance(leftSeconds - 200);

  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 10 }, () => tokens.need(QUESTION)));
  const tookMs = performance.now() - startedAt;
  story.holds(`200 s before expiry a refresh takes ${SLOW_MS / 1000} s; readers do not wait for it`, tookMs < SLOW_MS, {
    expected: `less than ${SLOW_MS} ms`,
    seen: tookMs,
  });
  const versions = [...new Set(answers.map(({ tokenVersion }) => tokenVersion))];
  story.equal('they get the token that is still valid', versions, [before.tokenVersion]);
  await story.eventually('then the new one is there', () => tokens.need(QUESTION), {
    until: ({ tokenVersion }) => tokenVersion === before.tokenVersion + 1,
    expected: `token version ${before.tokenVersion + 1}`,
  });
}

async function onceExpired({ platform, tokens, providers }: World, story: Story): Promise<void> {
  const before = await tokens.need(QUESTION);
  const refreshesBefore = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  await providers.quickbooks.fault({ endpoint: 'token', kind: 'slow', delayMs: SLOW_MS });
  platform.clock.advance(3_601);

  const patient = tokens.get(QUESTION);
  await sleep(1_000);
  const late = tokens.get(QUESTION);
  await sleep(500);
  // A reader waits 10 s by the platform's clock.
  platform.clock.advance(11);
  const refused = await late;
  story.equal(
    'expired: a reader whose patience ends is told to come back',
    refused.status === 'error' && refused.code,
    'refresh_in_progress',
  );
  const retryAfter = refused.status === 'error' ? refused.retryAfterSeconds : undefined;
  story.holds('and when', retryAfter !== undefined && retryAfter > 0, { expected: 'seconds', seen: retryAfter });
  const served = await patient;
  story.equal(
    'who waits for the refresh gets its token',
    served.status === 'ok' ? served.tokenVersion : served.code,
    before.tokenVersion + 1,
  );
  const refreshes = (await providers.quickbooks.refreshes(REALMS.acme)).slice(refreshesBefore);
  story.equal('there was one refresh', refreshes.length, 1);
}
