import { grantKey, isLiving, type LivingGrant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { Secret } from '../../lib/domain/secret.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import type { Child } from './children.ts';
import { inspect } from './inspect.ts';
import type { ProviderHandlers } from './provider-process.ts';

/**
 * A check that cannot fail is none. Loses a grant on purpose, by refreshing it twice outside all protocol and storing
 * nothing, and answers whether the inspection calls it lost and the provider's ledger shows the stale send that
 * follows.
 */
export async function seesLoss(
  ports: SweepPorts,
  simulator: Child<ProviderHandlers>,
  provider: ProviderId,
  subjects: readonly string[],
): Promise<boolean> {
  const grant = await anyAlive(ports, simulator, provider, subjects);
  if (grant === undefined) return false;
  const stored = await ports.cipher.open(grant.current, { provider, grant: grant.pk, purpose: 'refresh' });
  const client = await ports.readClient(provider, 'sandbox');
  const refresh = async (refreshToken: Secret): Promise<Secret | undefined> => {
    const outcome = await ports.endpoint.refresh({ provider, client, refreshToken });
    return outcome.kind === 'OK' ? outcome.tokens.refreshToken : undefined;
  };
  const second = await refresh(stored);
  const third = second === undefined ? undefined : await refresh(second);
  const { fate } = await inspect(ports, simulator, grant);
  const before = (await simulator.call('sendings', undefined)).filter(({ isGood }) => !isGood).length;
  const refused = await refresh(stored);
  const after = (await simulator.call('sendings', undefined)).filter(({ isGood }) => !isGood).length;
  return third !== undefined && refused === undefined && fate === 'lost' && after === before + 1;
}

async function anyAlive(
  ports: SweepPorts,
  simulator: Child<ProviderHandlers>,
  provider: ProviderId,
  subjects: readonly string[],
): Promise<LivingGrant | undefined> {
  for (const subject of subjects) {
    const grant = await ports.store.readGrant(grantKey(provider, subject));
    if (grant === undefined || !isLiving(grant)) continue;
    if ((await inspect(ports, simulator, grant)).fate === 'alive') return grant;
  }
  return undefined;
}
