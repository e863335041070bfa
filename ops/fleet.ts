import { PROVIDER_IDS } from '../lib/domain/names.ts';
import type { Store } from '../lib/service/ports.ts';

/** How many living grants there are, as the daily scan counted them: `120 grants`, or that nobody has counted yet. */
export async function countGrants(store: Pick<Store, 'readProvider'>): Promise<string> {
  const states = await Promise.all(PROVIDER_IDS.map((provider) => store.readProvider(provider)));
  const counts = states.map((state) => state?.grants);
  if (counts.every((count) => count === undefined)) return 'all grants (not counted yet)';
  const sum = counts.reduce<number>((total, count) => total + (count ?? 0), 0);
  return `${sum} grants (as of the last daily count)`;
}
