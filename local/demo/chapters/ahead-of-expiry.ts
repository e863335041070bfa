import type { Story } from '../story.ts';
import { REALMS, type World } from '../world.ts';

/** Half an hour before expiry the schedule refreshes at the latest when 60 - 24 = 36 minutes of the hour have passed. */
const MINUTES = 37;

/** Nobody asks, and the token is fresh all the same. */
export async function aheadOfExpiry({ platform, tokens, providers }: World, story: Story): Promise<void> {
  story.chapter('the schedule refreshes ahead of expiry');
  const question = { organizationId: 'acme', provider: 'quickbooks' } as const;
  const before = await tokens.need(question);
  const refreshesBefore = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  const callsBefore = tokens.durationsMs.length;

  await platform.advance(MINUTES * 60);
  const refreshes = (await providers.quickbooks.refreshes(REALMS.acme)).slice(refreshesBefore);
  story.equal(
    `${MINUTES} minutes pass, nobody asks, one refresh happens`,
    [tokens.durationsMs.length - callsBefore, refreshes.length],
    [0, 1],
  );
  const leftMinutes = (Date.parse(before.expiresAt) - (refreshes[0]?.at ?? 0)) / 60_000;
  story.holds('23 to 30 minutes before the old token would have run out', leftMinutes >= 23 && leftMinutes <= 30, {
    expected: '24 to 30 minutes, a minute less because the schedule runs each minute',
    seen: leftMinutes,
  });
  const after = await tokens.need(question);
  story.equal('the next caller gets the new token', after.tokenVersion, before.tokenVersion + 1);
}
