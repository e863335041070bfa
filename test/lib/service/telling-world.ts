import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createTellingStore } from '../../../lib/service/telling-store.ts';
import { HOUR, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRefreshWorld } from '../../support/refresh-world.ts';

export const KEY = 'quickbooks#9341453';
export const ABOUT = { provider: 'quickbooks', grant: KEY, organizationIds: ['acme'] } as const;

/** Used an hour ago, and its access token runs out at T0 + 4 minutes. */
export const EXPIRING = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 + 240_000 },
};

/** The refresh service on a store that tells; what was told is in `emitted`. */
export function createTellingWorld() {
  const world = createRefreshWorld();
  const store = createTellingStore(world.store, (event) => world.emitted.push(event));
  const ports = { ...world.ports, store };
  const ask = (changes: Partial<RefreshRequest> = {}) =>
    refreshGrant(ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
  const perform = () => performDue(ports, KEY, world.clock.now() + 80_000);
  return Object.assign({}, world, { ports, memory: world.store, ask, perform });
}
