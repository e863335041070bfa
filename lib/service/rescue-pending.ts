import type { LivingGrant } from '../domain/grant.ts';
import type { RefreshPorts } from './lease.ts';

/**
 * An earlier refresh never reported: it may have died with new tokens in its hands, and they may be on the rescue queue. Where
 * the provider takes a token that was spent before for theft and ends the whole authorisation (providers.md §0.2), sending it
 * again would kill the tokens that are about to be stored.
 */

/** From the start of the attempt in doubt. A queue that is not worked off for longer must not keep every such grant from being refreshed. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Whether tokens of the leased grant may still be on their way from the rescue queue, or have arrived since it was read. A message
 * is deleted only after its tokens are stored, so an empty queue and then an unchanged grant leave none. Throws `unavailable`
 * when the grant cannot be read; a queue that cannot be counted is not empty.
 */
export async function isRescuePending(
  ports: Pick<RefreshPorts, 'store' | 'clock' | 'policies' | 'countRescues'>,
  grant: LivingGrant,
): Promise<boolean> {
  // Within a grace the spent token is as good as the new one.
  if (ports.policies(grant.provider).graceSeconds > 0 || !hasYoungDoubt(grant, ports.clock.now())) return false;
  const waiting = await ports.countRescues().catch(() => undefined);
  if (waiting !== 0) return true;
  const image = await ports.store.readGrant(grant.pk);
  return image?.tokenVersion !== grant.tokenVersion || image.generation !== grant.generation;
}

function hasYoungDoubt({ doubts }: LivingGrant, now: number): boolean {
  return Object.values(doubts).some((startedAt) => startedAt > now - PATIENCE_MS);
}
