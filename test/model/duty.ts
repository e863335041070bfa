import type { Flow } from '../../lib/domain/flow.ts';
import type { Grant } from '../../lib/domain/grant.ts';
import { isLiving } from '../../lib/domain/grant.ts';
import { isUnserved } from '../../lib/domain/next-due.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import { acceptedOf, detached, revoked } from './provider.ts';
import type { Setting } from './setting.ts';
import { type At, draw, moved, type Program, step, twice } from './steps.ts';
import { imageOf } from './store.ts';
import { nameOf, tokensOf } from './tokens.ts';
import { grantOf, IDLE, type Lease, type State, type Step, spent, type World } from './world.ts';

/** What a disconnect left to do, await by await, under the same lease as a refresh (writes 15 and 16). */

/** Where a duty begins once it has the lease. */
export function dutyUnder(lease: Lease): State {
  if (lease.attempt.kind === 'revoke') return { at: 'revoking', sent: 0, ...lease };
  return isLiving(lease.grant)
    ? nextDetach(lease, Object.keys(lease.grant.detach).sort())
    : { at: 'releasing', ...lease };
}

/**
 * Revokes one token after the other, then closes. The provider ends all authorisations of the company with any of
 * them.
 */
export const revoke: Program<'revoking'> = (setting, world, index, state) => {
  const token = tokensOf(state.grant)[state.sent];
  const lease = leaseOf(state);
  if (token === undefined) {
    return [step(world, index, 'has revoked all tokens', moved(world, index, { at: 'closing', ...lease }))];
  }
  const harm = revocationHarm(setting, world);
  const after = { ...world, remote: revoked(world.remote), ...(harm === undefined ? {} : { problem: harm }) };
  const label = `revokes ${nameOf(token)}`;
  const steps = [step(world, index, label, moved(after, index, { ...state, sent: state.sent + 1 }))];
  return [...steps, ...unanswered(world, after, index, state, label)];
};

/** The grant serves nobody and owes nothing (write 16); what has arrived meanwhile gets its own attempt. */
export const close: Program<'closing'> = (setting, world, index, state) => {
  const { id: generation, drawn } = draw(world);
  const transaction = intern(setting.rules.close(state.grant, state.attempt, { generation, now: world.now }));
  const outcome = commit(setting, drawn, transaction);
  if (!outcome.committed) return [letGo(world, index, state, imageOf(transaction, outcome.failed))];
  const after = outcome.world;
  return twice(world, index, 'closes the grant', moved(after, index, IDLE), moved(after, index, state));
};

/** Ends the attempt on the grant as it has become. */
export const release: Program<'releasing'> = (setting, world, index, state) => {
  const transaction = intern(setting.rules.release(state.grant, state.attempt, setting.policy, world.now));
  const outcome = commit(setting, world, transaction);
  if (!outcome.committed) return [letGo(world, index, state, imageOf(transaction, outcome.failed))];
  return twice(world, index, 'lets go', moved(outcome.world, index, IDLE), moved(outcome.world, index, state));
};

/** One company after the other: is it claimed again? if not, off it comes; and the duty is removed. */
export const detach: Program<'detaching'> = (setting, world, index, state) => {
  switch (state.stage) {
    case 'claim': {
      const isClaimed = setting.rules.looksAtClaim && claimOf(setting, world, state) !== undefined;
      const label = `finds the company of ${state.next} ${isClaimed ? 'claimed again' : 'free'}`;
      const stage = isClaimed ? 'write' : 'send';
      return [step(world, index, label, moved(world, index, { ...state, stage, isClaimed }))];
    }
    case 'send': {
      const connected = connectedBy(setting, world, state.next);
      const harm = connected === undefined ? {} : { problem: `I6: ${connected} is connected and was taken off` };
      const after = { ...world, remote: detached(world.remote, state.next), ...harm };
      const label = `takes ${state.next} off`;
      const steps = [step(world, index, label, moved(after, index, { ...state, stage: 'write' }))];
      return [...steps, ...unanswered(world, after, index, state, label)];
    }
    case 'write':
      return writeDetached(setting, world, index, state);
  }
};

/** With all duties done the attempt looks at the grant once more: it is released, or closed if it serves nobody. */
export const finish: Program<'finishing'> = (setting, world, index, state) => {
  const image = grantOf(world, setting.grant);
  if (image?.attempt?.id !== state.attempt.id)
    return [step(world, index, 'has been overtaken', moved(world, index, IDLE))];
  const lease = { grant: image, attempt: state.attempt };
  if (!isUnserved(image, world.now)) {
    return [step(world, index, 'has nothing left to do', moved(world, index, { at: 'releasing', ...lease }))];
  }
  const leftovers = Object.values(world.remote.companies).filter((id) => connectedBy(setting, world, id) === undefined);
  const next = leftovers.length > 0 ? nextDetach(lease, leftovers) : ({ at: 'closing', ...lease } as const);
  return [step(world, index, 'lists the companies of an unserved grant', moved(world, index, next))];
};

function writeDetached(setting: Setting, world: World, index: number, state: At<'detaching'>): Step[] {
  const reason = state.isClaimed ? 'claimed_again' : 'removed';
  const duty = { connectionId: state.next, reason, now: world.now } as const;
  const transaction = intern(setting.rules.detached(state.grant, state.attempt, duty));
  const outcome = commit(setting, world, transaction);
  if (!outcome.committed) return [letGo(world, index, state, imageOf(transaction, outcome.failed))];
  const after = moved(outcome.world, index, nextDetach(leaseOf(state), state.rest));
  return twice(world, index, `removes the duty ${state.next}`, after, moved(outcome.world, index, state));
}

function nextDetach(lease: Lease, duties: readonly string[]): State {
  const [next, ...rest] = duties;
  if (next === undefined) return { at: 'finishing', ...leaseOf(lease) };
  return { at: 'detaching', ...leaseOf(lease), next, rest, stage: 'claim', isClaimed: false };
}

function letGo(world: World, index: number, state: Lease, image: Grant | undefined): Step {
  const isMine = image?.attempt?.id === state.attempt.id && image.status !== 'closed';
  const next: State = isMine ? { at: 'releasing', attempt: state.attempt, grant: image } : IDLE;
  return step(world, index, isMine ? 'finds the grant changed' : 'has been overtaken', moved(world, index, next));
}

/** A duty whose answer is lost is reported and done again later. */
function unanswered(world: World, after: World, index: number, state: Lease, label: string): Step[] {
  if (world.left.answers === 0) return [];
  const reporting: State = { at: 'reporting', ...leaseOf(state), outcome: 'UNKNOWN', answer: 'complete' };
  return [step(world, index, `${label}; the answer is lost`, moved(spent(after, 'answers'), index, reporting))];
}

/**
 * A revocation ends whole companies at the provider: none may be served, or about to be. A flow that a disconnect has
 * overtaken is not: its link will be refused.
 */
function revocationHarm(setting: Setting, world: World): string | undefined {
  const accepted = acceptedOf(world.remote, world.now, setting.kind);
  const grant = grantOf(world, setting.grant);
  const isWanted = grant?.orgs !== undefined || setting.flows.some(({ flow }) => mayLink(setting, world, flow));
  const living = grant !== undefined && isLiving(grant) && isWanted ? tokensOf(grant) : [];
  const coming = world.workers.flatMap(({ state }) =>
    state.at === 'banking' && mayLink(setting, world, state.flow.pk) ? [state.authorization.refresh] : [],
  );
  const ended = [...living, ...coming].map(nameOf).find((name) => accepted.includes(name));
  return ended === undefined ? undefined : `I6: a revocation ended ${ended}, which was authorised anew`;
}

function mayLink({ provider }: Setting, { store }: World, id: string): boolean {
  const flow = store[`flows/${id}`] as Flow | undefined;
  const isUnderWay = flow?.stage === 'exchanging' || flow?.stage === 'exchanged';
  const connection = store[`connections/ORG#${flow?.organizationId}/${provider}`];
  return isUnderWay && (connection?.version ?? 0) === flow.pinnedVersion;
}

function claimOf(setting: Setting, world: World, { grant, next }: At<'detaching'>) {
  const company =
    grant.detach[next]?.tenantId ?? Object.entries(world.remote.companies).find(([, id]) => id === next)?.[0];
  return world.store[`connections/CLAIM#${setting.provider}#${company}/claim`];
}

function connectedBy(setting: Setting, world: World, connectionId: string): string | undefined {
  const connections = Object.entries(world.store).filter(([key]) => key.startsWith('connections/ORG#'));
  const found = connections.find(
    ([, item]) =>
      item.provider === setting.provider && item.status === 'connected' && item.providerConnectionId === connectionId,
  );
  return found?.[1].organizationId as string | undefined;
}

function leaseOf({ grant, attempt }: Lease): Lease {
  return { grant, attempt };
}
