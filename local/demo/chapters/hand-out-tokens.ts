import type { Story } from '../story.ts';
import { REALMS, type World } from '../world.ts';

const WARM_CALLS = 100;

/** Another Lambda gets a token and uses it. Answers how long warm calls took, one after the other. */
export async function handOutTokens({ tokens, providers }: World, story: Story): Promise<readonly number[]> {
  story.chapter('another Lambda asks get-token and calls QuickBooks');
  const question = { organizationId: 'acme', provider: 'quickbooks' } as const;
  const { accessToken, expiresAt, ...rest } = await tokens.need(question);
  story.equal('get-token answers through the AWS SDK, by its alias', rest, {
    status: 'ok',
    tokenType: 'Bearer',
    tokenVersion: 1,
    tenantId: REALMS.acme,
    environment: 'sandbox',
    apiBaseUrl: providers.quickbooks.origin,
  });
  const company = await providers.quickbooks.company(accessToken, REALMS.acme);
  story.equal('the token opens CompanyInfo', company, { status: 200, name: 'Acme Books' });

  const first = tokens.durationsMs.length;
  for (let call = 0; call < WARM_CALLS; call += 1) await tokens.need(question);
  story.equal(
    `${WARM_CALLS} more calls cause no refresh`,
    (await providers.quickbooks.refreshes(REALMS.acme)).length,
    0,
  );
  story.say(`the token is good until ${expiresAt}`);
  return tokens.durationsMs.slice(first);
}
