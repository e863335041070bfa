import type { Flow } from '../../lib/domain/flow.ts';
import { type Grant, grantKey } from '../../lib/domain/grant.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import { MINUTE, T0 } from '../support/grants.ts';
import type { Item } from '../support/memory-items.ts';
import { authorizationOf, comingFlow } from './authorization.ts';
import type { Configuration } from './configurations.ts';
import { intern } from './intern.ts';
import { handleExchange, NOTHING_ISSUED } from './provider.ts';
import { REAL, type Rules, rememberedRules } from './rules.ts';
import { stepsFrom } from './search.ts';
import type { Setting } from './setting.ts';
import { draw } from './steps.ts';
import { write } from './store.ts';
import { type Budget, grantOf, IDLE, type World } from './world.ts';

const NONE: Omit<Budget, 'steps'> = {
  attempts: 0,
  crashes: 0,
  answers: 0,
  writes: 0,
  rescues: 0,
  repeats: 0,
  unsent: 0,
  outages: 0,
  revocations: 0,
  flows: 0,
  disconnects: 0,
  looks: 0,
  successes: 0,
};

/**
 * Where a search begins: a grant that was banked and linked just now by the real decisions, and processes with
 * nothing to do.
 */
export function opened(
  configuration: Configuration,
  rules: Rules = REAL,
): { readonly setting: Setting; readonly world: World } {
  const {
    provider,
    kind,
    processes,
    minutes,
    budget,
    starts,
    organizations = ['acme'],
    flows = [],
    begins = [],
  } = configuration;
  const steps = Object.fromEntries(Object.entries(minutes).map(([length, times]) => [Number(length) * MINUTE, times]));
  const policy = createPolicies()(provider);
  const setting: Setting = {
    rules: rememberedRules(rules),
    kind,
    provider,
    policy: intern({ ...policy, graceSeconds: kind.rotation === 'grace' ? policy.graceSeconds : 0 }),
    grant: grantKey(provider, 'subject'),
    stepsMs: Object.keys(steps).map(Number),
    starts,
    organizations,
    flows,
    isPrompt: kind.rotation === 'family',
  };
  const empty: World = {
    now: T0,
    store: intern({}),
    remote: NOTHING_ISSUED,
    workers: Array.from({ length: processes }, (_, at) => ({ name: 'ABC'[at] ?? '', state: IDLE })),
    queue: [],
    stored: [],
    left: intern({ ...NONE, flows: flows.length, ...budget, steps }),
    drawn: 0,
  };
  const start = organizations.reduce((world, id) => connected(setting, world, id), empty);
  return { setting, world: begins.reduce((world, name) => taken(setting, world, name), start) };
}

function taken(setting: Setting, world: World, name: string): World {
  const step = stepsFrom(setting, world).find(({ label }) => label.includes(name));
  if (step === undefined) throw new Error(`nothing like "${name}" may happen then`);
  return step.world;
}

/** By the real rules, whatever is weakened afterwards. */
function connected(setting: Setting, before: World, organizationId: string): World {
  const { policy } = setting;
  const { id: generation, drawn: world } = draw(before);
  const coming = {
    flow: `f-${organizationId}`,
    organizationId,
    tenant: policy.detaches ? `${organizationId} books` : 'subject',
  };
  const flow: Flow = { ...comingFlow(setting, coming, 0), stage: 'exchanged', grant: setting.grant };
  const handled = handleExchange(world.remote, flow.pk, setting.kind, policy.detaches ? coming.tenant : undefined);
  if (handled.answer.kind !== 'issued') throw new Error('the first code is good');
  const { name } = handled.answer;
  const authorization = authorizationOf(setting, { flow: flow.pk, generation, name, now: world.now, organizationId });
  const bank = REAL.bank(grantOf(world, setting.grant), authorization, policy, { id: 'bank', now: world.now });
  if (bank.kind !== 'write') throw new Error('nothing was banked before');
  const withFlow = intern({ ...world.store, [`flows/${flow.pk}`]: intern(flow as unknown as Item) });
  const banked = carriedOut({ ...world, remote: intern(handled.remote), store: withFlow }, bank.transaction);
  const { connectionId } = handled;
  const tenant = {
    tenantId: coming.tenant,
    ...(connectionId === undefined ? {} : { providerConnectionId: connectionId }),
  };
  const facts = { flow, tenant, grant: grantOf(banked, setting.grant) };
  const link = REAL.link(facts, { id: 'link', linkId: generation, now: world.now, policy });
  if (link.kind !== 'link') throw new Error(`the first link is refused: ${link.code}`);
  const joined = carriedOut(banked, link.transaction);
  // The first look at its companies is behind it, so that nothing but what happens makes it due.
  const seen = REAL.tenantsChecked(grantOf(joined, setting.grant) as Grant, policy, world.now);
  const linked = seen === undefined ? joined : carriedOut(joined, seen);
  const { [`flows/${flow.pk}`]: _, ...store } = linked.store;
  return { ...linked, store: intern(store), stored: [] };
}

function carriedOut(world: World, transaction: Transaction): World {
  const outcome = write(world, transaction);
  if (!outcome.committed) throw new Error('the first writes meet nothing');
  return outcome.world;
}
