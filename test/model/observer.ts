import type { ProviderState } from '../../lib/domain/provider-state.ts';
import { providerKey } from '../../lib/domain/provider-state.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import type { Setting } from './setting.ts';
import { type At, moved, step } from './steps.ts';
import { grantOf, IDLE, type State, type Step, spent, type World } from './world.ts';

/** What the fleet learns of the provider beside the grant: looks of the sweep, and successes of other grants. */

export function providerState({ provider }: Setting, world: World): ProviderState | undefined {
  return world.store[`grants/${providerKey(provider)}`] as unknown as ProviderState | undefined;
}

/** A sweep that has a suspect counts the messages waiting to be rescued. */
export function startLook(setting: Setting, world: World, index: number): Step[] {
  const isWorthIt = grantOf(world, setting.grant)?.status === 'suspect';
  if (world.left.looks === 0 || !isWorthIt) return [];
  const seen = providerState(setting, world);
  const looking: State = { at: 'looking', rescues: world.queue.length, since: world.now, ...(seen ? { seen } : {}) };
  const label = `counts ${world.queue.length} messages on the queue`;
  return [step(world, index, label, moved(spent(world, 'looks'), index, looking))];
}

export function look(setting: Setting, world: World, index: number, state: At<'looking'>): Step[] {
  const sighting = { suspects: 1, rescues: state.rescues, now: state.since };
  const { transaction } = setting.rules.observe(state.seen, setting.provider, sighting);
  const outcome = commit(setting, world, intern(transaction));
  return [step(world, index, 'notes what it saw', moved(outcome.committed ? outcome.world : world, index, IDLE))];
}

/** Another grant of the provider was refreshed; that is noted a moment later. */
export function startSuccess(world: World, index: number): Step[] {
  if (world.left.successes === 0 || world.remote.isOut) return [];
  const after = moved(spent(world, 'successes'), index, { at: 'noting', sentAt: world.now });
  return [step(world, index, 'refreshes another grant', after)];
}

export function noteSuccess(setting: Setting, world: World, index: number, { sentAt }: At<'noting'>): Step[] {
  const transaction = setting.rules.success(providerState(setting, world), setting.provider, sentAt);
  const outcome = transaction && commit(setting, world, intern(transaction));
  const after = outcome?.committed ? outcome.world : world;
  return [step(world, index, 'notes that another grant was refreshed', moved(after, index, IDLE))];
}
