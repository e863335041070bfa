import type { Story } from '../story.ts';
import type { TokenAnswer } from '../token-client.ts';
import { REALMS, type World } from '../world.ts';

const CALLERS = 200;

/** Everybody asks at the moment the token has run out. */
export async function stampede({ platform, tokens, providers }: World, story: Story): Promise<void> {
  story.chapter(`the token has run out, and ${CALLERS} callers ask at once`);
  const question = { organizationId: 'acme', provider: 'quickbooks' } as const;
  const before = await tokens.need(question);
  const refreshesBefore = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  // Only the clock moves, so that the schedule does not get there first.
  platform.clock.advance(3_601);

  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => tokens.get(question)));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const served = answers.filter(({ status }) => status === 'ok');
  story.equal(`all ${CALLERS} get a token (in ${seconds} s, cold starts included)`, served.length, CALLERS);
  story.equal('all answers are equal', new Set(answers.map(comparable)).size, 1);
  const versions = new Set(served.map((answer) => answer.status === 'ok' && answer.tokenVersion));
  story.equal('it is the next version', [...versions], [before.tokenVersion + 1]);
  const refreshes = (await providers.quickbooks.refreshes(REALMS.acme)).slice(refreshesBefore);
  story.equal('QuickBooks saw exactly one refresh', refreshes.length, 1);
}

/** The whole answer, token included; compared, never shown. */
function comparable(answer: TokenAnswer): string {
  return JSON.stringify(answer.status === 'ok' ? [answer, answer.accessToken.open()] : answer);
}
