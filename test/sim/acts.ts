import { grantKey } from '../../lib/domain/grant.ts';
import { HOUR, MINUTE } from '../support/grants.ts';
import type { Member } from './fleet.ts';
import { isGoing, type Process } from './process.ts';
import type { World } from './world.ts';

/** One thing a function of the product does, from the moment before on. */
export interface Act {
  readonly name: string;
  /** Where a provider has no such thing there is nothing to interrupt. */
  readonly only?: 'quickbooks' | 'xero';
  /** Brings the world to the moment before. */
  prepare?(world: World, members: readonly Member[]): Promise<void>;
  start(world: World, members: readonly Member[]): Process;
}

/** A company of its own, authorised for an organisation that is connected to another: the link will be refused. */
const STRANGER: Pick<Member, 'subject' | 'tenant'> = { subject: 'realm-9', tenant: { tenantId: 'realm-9' } };

const first = (members: readonly Member[]): Member => {
  const [member] = members;
  if (member === undefined) throw new TypeError('a scene has members');
  return member;
};
const keyOf = ({ context }: World, { subject }: Pick<Member, 'subject'>) => grantKey(context.providerId, subject);

export const refresh: Act = {
  name: 'refresh',
  /** Its access token is about to expire. */
  async prepare({ context }, _members) {
    const { scheduler, provider } = context;
    await scheduler.runUntil(scheduler.now() + provider.lifeSeconds * 1000 - MINUTE);
  },
  start: (world, members) =>
    world.processes.refresh(keyOf(world, first(members)), { neededUntil: world.context.scheduler.now() + HOUR }),
};

export const connectAgain: Act = {
  name: 'finish-connect',
  start: ({ processes }, members) => processes.connect(first(members)),
};

export const connectFirst: Act = {
  name: 'finish-connect-first',
  start: ({ processes, context }) =>
    processes.connect(
      context.providerId === 'quickbooks'
        ? { ...STRANGER, organizationId: 'org-new' }
        : {
            organizationId: 'org-new',
            subject: 'user-9',
            tenant: { tenantId: 'tenant-9', providerConnectionId: 'connection-9' },
          },
    ),
};

export const disconnect: Act = {
  name: 'disconnect',
  start: ({ processes }, members) => processes.disconnect(first(members).organizationId),
};

export const revoke: Act = {
  name: 'revoke',
  only: 'quickbooks',
  prepare: (world, members) => disconnectOnly(world, first(members)),
  start: (world, members) => world.processes.refresh(keyOf(world, first(members)), { trigger: 'duty' }),
};

export const detach: Act = { ...revoke, name: 'detach', only: 'xero' };

export const close: Act = {
  name: 'close',
  only: 'quickbooks',
  async prepare(world, members) {
    await whole(world, world.processes.connect({ ...first(members), ...STRANGER }));
    await world.context.scheduler.runUntil(world.context.scheduler.now() + 11 * MINUTE);
  },
  start: (world) => world.processes.refresh(keyOf(world, STRANGER), { trigger: 'duty' }),
};

export const closeDetached: Act = {
  name: 'close-detached',
  only: 'xero',
  async prepare(world, members) {
    for (const { organizationId } of members) await whole(world, world.processes.disconnect(organizationId));
    await world.context.scheduler.drain();
    await world.context.scheduler.runUntil(world.context.scheduler.now() + 11 * MINUTE);
  },
  start: (world, members) => world.processes.refresh(keyOf(world, first(members)), { trigger: 'duty' }),
};

/** The tokens of a refresh are on the queue, and whoever put them there is dead. */
export const rescueRefresh: Act = {
  name: 'rescue',
  async prepare(world, members) {
    await refresh.prepare?.(world, members);
    await dieWhenQueued(world, refresh.start(world, members));
  },
  start: ({ processes }) => processes.consume(),
};

/** The same of an exchange. */
export const rescueBank: Act = {
  name: 'rescue-bank',
  prepare: (world, members) => dieWhenQueued(world, connectAgain.start(world, members)),
  start: ({ processes }) => processes.consume(),
};

async function whole({ context }: World, process: Process): Promise<void> {
  await context.scheduler.runWhile(() => isGoing(process));
}

/** Disconnects, and whoever is asked to do the duty dies at once. */
async function disconnectOnly(world: World, { organizationId }: Member): Promise<void> {
  const { scheduler } = world.context;
  scheduler.onGate(({ name }) => (name.startsWith('refresh') ? 'kill' : undefined));
  await whole(world, world.processes.disconnect(organizationId));
  await scheduler.drain();
  scheduler.onGate(() => undefined);
}

/** The store fails as soon as the process has tokens in its hands; it dies when they are on the queue. */
async function dieWhenQueued({ context }: World, process: Process): Promise<void> {
  const { scheduler, weather, custody, line, provider } = context;
  scheduler.onGate((each) => {
    // Where the provider sends no new token there is none to carry.
    const isSent = custody.isCarrying(process) || (provider.rotation === 'reusable' && context.network.sends() > 0);
    if (each === process && isSent && !weather.isOn('store')) weather.begin('store', HOUR);
    return undefined;
  });
  await context.scheduler.runWhile(() => isGoing(process) && line.length() === 0);
  scheduler.onGate(() => undefined);
  scheduler.kill(process);
  weather.clear();
}
