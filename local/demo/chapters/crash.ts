import type { Story } from '../story.ts';
import { type World, XERO_USERS } from '../world.ts';

const QUESTION = { organizationId: 'birch', provider: 'xero' } as const;

/** Longer than anybody lives here. */
const SLOW_MS = 60_000;

/** The lease lasts 125 s and the sweep runs each minute; Xero takes the previous token for 30 minutes. */
const RECOVERY_SECONDS = 190;

/** The worst moment to die: Xero has rotated the token, and we have not stored the new one. */
export async function crash({ platform, tokens, providers }: World, story: Story): Promise<void> {
  story.chapter('the refresher is killed after Xero rotated and before the commit');
  const before = await tokens.need(QUESTION);
  const refreshesBefore = (await providers.xero.refreshes(XERO_USERS.accountant)).length;
  const since = async () => (await providers.xero.refreshes(XERO_USERS.accountant)).slice(refreshesBefore);
  await providers.xero.fault({ endpoint: 'token', kind: 'slow', delayMs: SLOW_MS });
  platform.clock.advance(1_801);

  const reader = tokens.get(QUESTION);
  await story.eventually('Xero has rotated; its answer is still on the way', since, {
    until: ([entry]) => entry?.committed === true && entry.rotated === true,
    expected: 'a committed rotation in the ledger',
  });
  await platform.killFunction('refresh-grant');
  await platform.killFunction('refresh-due');
  await platform.advance(RECOVERY_SECONDS);

  const [lost, repeated, ...others] = await since();
  story.equal(
    `within ${RECOVERY_SECONDS} s the sweep has sent the same token once more, and it was taken`,
    [repeated?.tokenHash === lost?.tokenHash, repeated?.outcome, others.length],
    [true, 'ok', 0],
  );
  const met = await reader;
  story.holds('whoever asked meanwhile met no auth error', met.status === 'ok' || met.code === 'refresh_in_progress', {
    expected: 'a token or refresh_in_progress',
    seen: met,
  });
  const after = await tokens.need(QUESTION);
  story.equal(
    'the connection lives: the lost attempt has its number, the next one its token',
    after.tokenVersion,
    before.tokenVersion + 2,
  );
}
