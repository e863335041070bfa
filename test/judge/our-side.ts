import { isLiving } from '../../lib/domain/grant.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { quickbooks } from '../../lib/providers/quickbooks.ts';
import { createClock } from '../../lib/runtime/clock.ts';
import { createRefresher, type Place } from '../kill/place.ts';
import { forEachOf, seedGrant } from '../kill/seed.ts';
import { REDIRECT_URI } from './redirect-uri.ts';

/** What the judging process itself does with our code: authorise, look at a stored token, send one. */

const EXCHANGES_AT_ONCE = 8;

/** Redeems each subject's code at the judge and stores the grant, serving the organisation `org-<subject>`. */
export async function authorizeAll(place: Place, subjects: readonly string[], codes: readonly string[]): Promise<void> {
  const ports = createRefresher(place, { clock: createClock(), isPatient: true });
  const client = await ports.readClient('quickbooks', 'sandbox');
  await forEachOf([...subjects.entries()], EXCHANGES_AT_ONCE, async ([index, subject]) => {
    const code = new Secret(codes[index] ?? '');
    const outcome = await ports.endpoint.exchange({ provider: 'quickbooks', client, code, redirectUri: REDIRECT_URI });
    if (outcome.kind !== 'OK' || outcome.tokens.refreshToken === undefined) {
      throw new Error(`the judge gave no tokens for a code: ${outcome.kind}`);
    }
    const { accessToken, refreshToken, expiresInSeconds, sentAt } = outcome.tokens;
    await seedGrant(ports, {
      ...{ provider: 'quickbooks', subject, organizationId: `org-${subject}`, clientId: client.clientId },
      accessToken: accessToken.open(),
      refreshToken: refreshToken.open(),
      obtainedAt: sentAt,
      expiresAt: sentAt + expiresInSeconds * 1000,
      refreshExpiresAt: sentAt + quickbooks.lifetimes.refreshIdleSeconds * 1000,
    });
  });
}

/** The refresh token that is current in the store. */
export async function currentToken(place: Place, subject: string): Promise<Secret> {
  const { store, cipher } = createRefresher(place, { clock: createClock(), isPatient: true });
  const grant = await store.readGrant(`quickbooks#${subject}`);
  if (grant === undefined || !isLiving(grant)) throw new Error(`${subject} has no living grant`);
  return cipher.open(grant.current, { provider: 'quickbooks', grant: grant.pk, purpose: 'refresh' });
}

/** Sends it once, outside all protocol, and answers the kind of outcome. */
export async function sendToken(place: Place, refreshToken: Secret): Promise<string> {
  const { endpoint, readClient } = createRefresher(place, { clock: createClock(), isPatient: true });
  const client = await readClient('quickbooks', 'sandbox');
  return (await endpoint.refresh({ provider: 'quickbooks', client, refreshToken })).kind;
}
