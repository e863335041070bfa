import type { Authorization } from '../../lib/domain/bank-decision.ts';
import type { Issued } from '../../lib/domain/commit-decision.ts';
import { type Grant, isLiving, type RefreshToken, type Sealed } from '../../lib/domain/grant.ts';
import type { Item } from '../support/memory-items.ts';
import type { Setting } from './setting.ts';
import type { World } from './world.ts';

/** Where tokens are. A ciphertext here is just the provider's name for the token. */

const encoded = new Map<string, Uint8Array>();
const DATA_KEY = new TextEncoder().encode('k');

export function sealed(name: string, attemptId: string): Sealed {
  const ciphertext = encoded.get(name) ?? new TextEncoder().encode(name);
  encoded.set(name, ciphertext);
  return { attemptId, ciphertext, dataKey: DATA_KEY };
}

/** The provider's name for a sealed token. */
export function nameOf({ ciphertext }: Pick<Sealed, 'ciphertext'>): string {
  return String.fromCharCode(...ciphertext);
}

/**
 * Whether the tokens were on the grant once, and it has gone past them: then they have been spent, and must not come
 * back (lib/service/store-tokens.ts asks the audit).
 */
export function wasStored(setting: Setting, world: World, image: Grant, tokens: Issued | Authorization): boolean {
  if (!setting.rules.recallsStored || !isLiving(image) || !world.stored.includes(tokens.attemptId)) return false;
  const isSameGeneration = 'number' in tokens && image.generation === tokens.generation;
  return isSameGeneration ? image.tokenVersion > tokens.number : image.generation > tokens.generation;
}

/** Names of the tokens of one process that it has not stored yet. */
export function carriedBy(state: World['workers'][number]['state']): readonly string[] {
  if (state.at === 'committing') return [nameOf(state.issued.refresh)];
  if (state.at === 'banking') return [nameOf(state.authorization.refresh)];
  return [];
}

/** Names of all tokens that are in the store or on the rescue queue. */
export function keptNames(world: Pick<World, 'store' | 'queue'>): Set<string> {
  const names = new Set<string>(storedNames(world.store));
  for (const message of world.queue) names.add(nameOf(tokenOf(message)));
  return names;
}

/** Names of all tokens that somebody still has. */
export function safeNames(world: World): Set<string> {
  const names = keptNames(world);
  for (const { state } of world.workers) for (const name of carriedBy(state)) names.add(name);
  return names;
}

/** The tokens of a grant in the order in which a disconnect revokes them: the current one first. */
export function tokensOf(grant: Grant): RefreshToken[] {
  const current = 'current' in grant && grant.current !== undefined ? [grant.current] : [];
  return [...current, ...Object.values(grant.held)];
}

const namesByStore = new WeakMap<World['store'], readonly string[]>();

function storedNames(store: World['store']): readonly string[] {
  const known = namesByStore.get(store);
  if (known !== undefined) return known;
  const grants = Object.entries(store).filter(([key]) => key.startsWith('grants/'));
  const names = grants.flatMap(([, item]) => namesOfItem(item));
  namesByStore.set(store, names);
  return names;
}

function namesOfItem(item: Item): string[] {
  return 'held' in item ? tokensOf(item as unknown as Grant).map(nameOf) : [];
}

function tokenOf(message: World['queue'][number]): Issued['refresh'] | Authorization['refresh'] {
  return message.kind === 'refresh' ? message.issued.refresh : message.authorization.refresh;
}
