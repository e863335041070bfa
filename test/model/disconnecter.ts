import type { Claim, Connection } from '../../lib/domain/connection.ts';
import { isHeld } from '../../lib/domain/link-decision.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import type { Setting } from './setting.ts';
import { draw, moved, type Program, step, twice } from './steps.ts';
import { grantOf, IDLE, type Step, spent, type World } from './world.ts';

/** A disconnect, await by await (writes 13 and 14). */

/** Somebody asks to disconnect an organisation that is connected. */
export const startDisconnect: Program<'idle'> = (setting, world, index) =>
  world.left.disconnects === 0
    ? []
    : setting.organizations.flatMap((id) => readRecords(setting, spent(world, 'disconnects'), index, id));

/** The one transaction; what has changed since is read again. */
export const disconnect: Program<'disconnecting'> = (setting, world, index, state) => {
  const outcome = commit(setting, world, state.transaction);
  const { organizationId } = state;
  if (outcome.committed) {
    const label = `disconnects ${organizationId}`;
    return twice(world, index, label, moved(outcome.world, index, IDLE), moved(outcome.world, index, state));
  }
  const again = readRecords(setting, world, index, organizationId);
  return again.length > 0 ? again : [step(world, index, 'finds it disconnected', moved(world, index, IDLE))];
};

function readRecords(setting: Setting, world: World, index: number, organizationId: string): Step[] {
  const { provider, policy } = setting;
  const found = world.store[`connections/ORG#${organizationId}/${provider}`] as unknown as Connection | undefined;
  if (!isHeld(found)) return [];
  const claim = world.store[`connections/CLAIM#${provider}#${found.tenantId}/claim`] as unknown as Claim | undefined;
  const grant = grantOf(world, found.grant);
  const { id: generation, drawn } = draw(world);
  const facts = { connection: found, claim, grant, kind: policy.detaches ? 'detach' : 'revoke' } as const;
  const transaction = setting.rules.disconnect(facts, { id: generation, generation, now: world.now, policy });
  const next = moved(drawn, index, { at: 'disconnecting', organizationId, transaction: intern(transaction) });
  return [step(world, index, `reads the records of ${organizationId}`, next)];
}
