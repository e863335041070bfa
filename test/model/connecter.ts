import { type Connection, connectionKey } from '../../lib/domain/connection.ts';
import type { Flow, Tenant } from '../../lib/domain/flow.ts';
import { type Grant, isLeased } from '../../lib/domain/grant.ts';
import { isHeld } from '../../lib/domain/link-decision.ts';
import { authorizationOf } from './authorization.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import { handleExchange, lose } from './provider.ts';
import type { Coming, Setting } from './setting.ts';
import { type At, draw, moved, type Program, step, twice } from './steps.ts';
import { imageOf } from './store.ts';
import { nameOf, wasStored } from './tokens.ts';
import { grantOf, IDLE, type State, type Step, spent, type World } from './world.ts';

/** finish-connect, await by await: hold a revocation off, send the code once, bank first, then link. */

/** A free process takes up a flow whose user has come back with a code; nothing keeps two from taking up the same. */
export const startConnect: Program<'idle'> = (setting, world, index) =>
  setting.flows.flatMap((coming) => {
    const flow = flowOf(world, coming.flow);
    if (flow?.stage !== 'authorizing') return [];
    return [step(world, index, `takes up ${coming.flow}`, moved(world, index, { at: 'holding', flow }))];
  });

/**
 * A closing grant is held under the flow's id, so that it is not revoked meanwhile; a revocation under way is waited
 * for.
 */
export const hold: Program<'holding'> = (setting, world, index, { flow }) => {
  const grant = grantOf(world, setting.grant);
  const isHeldOff = setting.rules.holdsRevocationOff && setting.policy.detaches !== true;
  if (!isHeldOff || grant?.status !== 'closing') {
    return [step(world, index, 'finds nothing that could be revoked', moved(world, index, { at: 'arming', flow }))];
  }
  const input = { kind: 'exchange', attemptId: flow.pk, now: world.now } as const;
  const decision = setting.rules.acquire(grant, input);
  if (decision.kind === 'refused') return [];
  const outcome = commit(setting, world, intern(decision.transaction));
  if (!outcome.committed) return [];
  const held = { grant: intern(setting.rules.acquired(grant, decision.attempt)), attempt: intern(decision.attempt) };
  return [step(world, index, 'holds the closing grant', moved(outcome.world, index, { at: 'arming', flow, held }))];
};

/** authorizing → exchanging: from here on nobody else sends this code. */
export const arm: Program<'arming'> = (setting, world, index, { flow, held }) => {
  const transaction = intern(setting.rules.advance(flow, { id: `${flow.pk} exchanging`, stage: 'exchanging' }));
  const outcome = commit(setting, world, transaction);
  if (!outcome.committed) {
    return [step(world, index, 'finds the code being sent by another', letGo(world, index, held))];
  }
  const { id: generation, drawn } = draw(outcome.world);
  const next: State = { at: 'exchanging', flow, generation, ...(held ? { held } : {}) };
  return [step(world, index, `goes to exchange as generation ${drawn.drawn}`, moved(drawn, index, next))];
};

/** Sends the code. */
export const exchange: Program<'exchanging'> = (setting, world, index, { flow, generation, held }) => {
  const { tenant } = comingOf(setting, flow);
  const handled = handleExchange(world.remote, flow.pk, setting.kind, setting.policy.detaches ? tenant : undefined);
  const after = { ...world, remote: intern(handled.remote), ...(handled.harm ? { problem: handled.harm } : {}) };
  const { answer } = handled;
  if (answer.kind === 'rejected') return [step(world, index, 'sends the code: rejected', letGo(after, index, held))];
  const given = { flow: flow.pk, generation, name: answer.name, now: world.now, organizationId: flow.organizationId };
  const image = grantOf(world, setting.grant);
  const { connectionId } = handled;
  const next: State = {
    at: 'banking',
    flow,
    authorization: authorizationOf(setting, given),
    queued: false,
    ...(image === undefined ? {} : { image }),
    ...(connectionId === undefined ? {} : { connectionId }),
  };
  const steps = [step(world, index, `sends the code and gets ${answer.name}`, moved(after, index, next))];
  if (world.left.answers > 0) {
    const lost = { ...spent(after, 'answers'), remote: lose(after.remote, answer.name) };
    steps.push(step(world, index, `sends the code for ${answer.name}; the answer is cut`, letGo(lost, index, held)));
  }
  return steps;
};

/** Write 10, decided anew on each newer image, until the tokens are stored. */
export const bank: Program<'banking'> = (setting, world, index, state) => {
  const { flow, authorization, image, repeat, queued } = state;
  const name = nameOf(authorization.refresh);
  const options = { id: `bank ${flow.pk}`, now: world.now };
  const decision = setting.rules.bank(image, authorization, setting.policy, options);
  const isStored =
    decision.kind === 'stored' || (image !== undefined && wasStored(setting, world, image, authorization));
  const done = moved(world, index, bankedOf(state));
  const steps: Step[] = [];
  const transaction = repeat ?? (isStored ? undefined : intern(decision.transaction));
  if (transaction === undefined) steps.push(step(world, index, `finds ${name} stored`, done));
  else steps.push(...banked(setting, world, index, { state, transaction }));
  if (world.left.rescues > 0 && !queued) {
    const message = intern({ v: 1, kind: 'bank', authorization } as const);
    const after = { ...spent(world, 'rescues'), queue: [...world.queue, message] };
    steps.push(step(world, index, `puts ${name} on the rescue queue`, moved(after, index, { ...state, queued: true })));
  }
  if (queued) steps.push(step(world, index, `leaves ${name} to the rescue`, moved(world, index, IDLE)));
  return steps;
};

/** exchanging → exchanged, then the company is looked up and linked (writes 11 and 12). */
export const link: Program<'banked'> = (setting, world, index, { flow: before, connectionId }) => {
  const flow = flowOf(world, before.pk) ?? before;
  if (flow.stage === 'exchanging') {
    const exchanged = { id: `${flow.pk} exchanged`, stage: 'exchanged', grant: setting.grant } as const;
    const outcome = commit(setting, world, intern(setting.rules.advance(flow, exchanged)));
    const after = outcome.committed ? outcome.world : world;
    return [step(world, index, `has banked ${flow.pk}`, moved(after, index, outcome.committed ? stateAt() : IDLE))];
  }
  const grant = grantOf(world, setting.grant);
  if (isDetaching(grant, world.now)) return [];
  const { id: linkId, drawn } = draw(world);
  const decision = decideLinkOf(setting, world, { flow, linkId, connectionId });
  if (decision.kind === 'refused') {
    return [step(world, index, `may not link: ${decision.code}`, moved(world, index, IDLE))];
  }
  const linking: State = { at: 'linking', flow, transaction: intern(decision.transaction), ...idOfConnection() };
  return [step(world, index, 'reads what it links', moved(drawn, index, linking))];

  function stateAt(): State {
    return { at: 'banked', flow: before, ...idOfConnection() };
  }
  function idOfConnection() {
    return connectionId === undefined ? {} : { connectionId };
  }
};

/** The one transaction of a link; what has changed since is read again. */
export const writeLink: Program<'linking'> = (setting, world, index, state) => {
  const outcome = commit(setting, world, state.transaction);
  if (outcome.committed)
    return twice(world, index, 'links', moved(outcome.world, index, IDLE), moved(outcome.world, index, state));
  const { transaction: _, ...rest } = state;
  const isLinked = flowOf(world, state.flow.pk)?.stage === 'linked';
  const next: State = isLinked ? IDLE : { ...rest, at: 'banked' };
  return [step(world, index, isLinked ? 'finds it linked' : 'finds the records changed', moved(world, index, next))];
};

function banked(
  setting: Setting,
  world: World,
  index: number,
  { state, transaction }: { readonly state: At<'banking'>; readonly transaction: NonNullable<At<'banking'>['repeat']> },
): Step[] {
  const name = nameOf(state.authorization.refresh);
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) {
    const after = moved(outcome.world, index, bankedOf(state));
    return twice(world, index, `banks ${name}`, after, moved(outcome.world, index, { ...state, repeat: transaction }));
  }
  const { repeat: _, image: _i, ...rest } = state;
  const image = imageOf(transaction, outcome.failed);
  const next: State = { ...rest, ...(image === undefined ? {} : { image }) };
  return [step(world, index, `finds the grant changed under ${name}`, moved(world, index, next))];
}

function bankedOf({ flow, connectionId }: At<'banking'>): State {
  return { at: 'banked', flow, ...(connectionId === undefined ? {} : { connectionId }) };
}

/** A grant that was held for nothing is let go. */
function letGo(world: World, index: number, held: At<'arming'>['held']): World {
  return moved(world, index, held === undefined ? IDLE : { at: 'releasing', ...held });
}

function decideLinkOf(
  setting: Setting,
  world: World,
  {
    flow,
    linkId,
    connectionId,
  }: { readonly flow: Flow; readonly linkId: string; readonly connectionId: string | undefined },
) {
  const { tenant: tenantId } = comingOf(setting, flow);
  const tenant: Tenant = { tenantId, ...(connectionId === undefined ? {} : { providerConnectionId: connectionId }) };
  const { pk, sk } = connectionKey(flow.organizationId, flow.provider);
  const connection = world.store[`connections/${pk}/${sk}`] as unknown as Connection | undefined;
  const claim = world.store[`connections/CLAIM#${flow.provider}#${tenantId}/claim`];
  const hasMoved = isHeld(connection) && connection.grant !== flow.grant;
  const isPrevious = isHeld(connection) && (hasMoved || !setting.rules.tellsSameGrant);
  const facts = {
    flow,
    tenant,
    grant: grantOf(world, setting.grant),
    ...(connection === undefined ? {} : { connection }),
    ...(claim === undefined ? {} : { claim: claim as never }),
    ...(isPrevious ? { previous: grantOf(world, connection.grant) } : {}),
  };
  return setting.rules.link(facts, { id: linkId, linkId, now: world.now, policy: setting.policy });
}

/** A detach that may still be sent could be for the very company that is linked now: it is waited for. */
function isDetaching(grant: Grant | undefined, now: number): boolean {
  const attempt = grant?.attempt;
  return grant !== undefined && attempt?.kind === 'detach' && attempt.outcome === undefined && isLeased(grant, now);
}

function flowOf(world: World, id: string): Flow | undefined {
  return world.store[`flows/${id}`] as unknown as Flow | undefined;
}

function comingOf(setting: Setting, { pk }: Flow): Coming {
  const coming = setting.flows.find(({ flow }) => flow === pk);
  if (coming === undefined) throw new Error(`nobody came with ${pk}`);
  return coming;
}
