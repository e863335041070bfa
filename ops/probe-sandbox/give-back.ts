import type { Authorisation } from './authorisation.ts';
import type { Lab } from './lab.ts';
import type { Plan } from './plan.ts';
import type { Seen } from './seen.ts';
import { ProbeStop } from './wire.ts';

/** What became of the authorisations, in numbers. `kept`: they were left alone. */
export type Returned = 'kept' | { readonly revoked: number; readonly gone: number; readonly failed: number };

/** An outage or a throttle is given one more chance, after this. */
const RETRY_MS = 10_000;

/** Revokes everything that the lab obtained and that is not revoked yet. Never rejects for what a provider says. */
export async function giveBack(lab: Lab, revocation: Plan['revocation']): Promise<Returned> {
  const returned = { revoked: 0, gone: 0, failed: 0 };
  for (const authorisation of lab.authorisations) {
    if (authorisation.isRevoked) returned.revoked += 1;
    else returned[await endOf(lab, authorisation, revocation).catch(failedFor)] += 1;
  }
  return returned;
}

/** No more requests are allowed. */
function failedFor(error: unknown): 'failed' {
  if (error instanceof ProbeStop) return 'failed';
  throw error;
}

async function endOf(
  lab: Lab,
  authorisation: Authorisation,
  { encoding, doneStatuses }: Plan['revocation'],
): Promise<'revoked' | 'gone' | 'failed'> {
  const isDone = ({ status }: Seen) => status !== undefined && doneStatuses.includes(status);
  let seen = await lab.revoke(authorisation, encoding);
  if (!isDone(seen)) {
    await lab.wait(RETRY_MS);
    seen = await lab.revoke(authorisation, encoding);
  }
  if (seen.status === 200) return 'revoked';
  if (!isDone(seen)) return 'failed';
  // Said of a value that is not the newest as well; the access token ends the same authorisation (providers.md §1.8).
  const byAccess = await lab.revoke(authorisation, encoding, authorisation.accessToken);
  if (byAccess.status === 200) return 'revoked';
  return isDone(byAccess) ? 'gone' : 'failed';
}
