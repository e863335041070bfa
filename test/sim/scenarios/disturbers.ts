import { grantKey } from '../../../lib/domain/grant.ts';
import { MINUTE } from '../../support/grants.ts';
import { LEASE_TAKEN_MS } from '../interrupt.ts';
import type { Finding } from '../scenarios.ts';
import { createFleetWorld, expired, type FleetWorld } from './fleet-world.ts';

/**
 * What troubles one grant or one process must not trouble the rest: circuit, others' turns, and requests at the
 * provider.
 */

const FLEET = 60;
const MINUTES = 90;

/** The provider fails one grant again and again, and no other. */
export async function poisonGrant(): Promise<Finding> {
  const world = await createFleetWorld(FLEET);
  const [victim] = world.members;
  const subject = victim?.subject ?? '';
  world.context.poisoned.add(subject);
  await world.pass(MINUTES);
  const opened = world.context.situations.counts().circuit_opened ?? 0;
  const sends = world.context.network.sendsFor(subject);
  // With full jitter up to five minutes a grant that always fails is asked about every two and a half.
  const isBounded = sends <= MINUTES;
  const late = expired(world) - 1;
  return finding(
    world,
    'a poison grant',
    { circuitOpened: opened, sends, othersExpired: late },
    opened === 0 && isBounded && late <= 0,
  );
}

/** Tokens that nobody can open, of a tenth of the fleet. */
export async function undecryptable(): Promise<Finding> {
  const world = await createFleetWorld(FLEET);
  const broken = world.members.slice(0, FLEET / 10);
  for (const { subject } of broken) await spoil(world, subject);
  await world.pass(MINUTES);
  const opened = world.context.situations.counts().circuit_opened ?? 0;
  const sends = broken.reduce((sum, { subject }) => sum + world.context.network.sendsFor(subject), 0);
  const late = expired(world) - broken.length;
  const changed = FLEET - (world.statuses().active ?? 0);
  const isGood = opened === 0 && sends === 0 && late <= 0 && changed === 0;
  return finding(
    world,
    'undecryptable grants',
    { broken: broken.length, circuitOpened: opened, sends, othersExpired: late, changed },
    isGood,
  );
}

async function spoil({ context, watch }: FleetWorld, subject: string): Promise<void> {
  const key = grantKey('quickbooks', subject);
  const current = watch.images().get(key)?.current;
  if (current === undefined) return;
  const set = { current: { ...current, dataKey: Uint8Array.of(255, 255, 255, 255) } };
  await context.store.commit({
    token: `plant ${key}`,
    writes: [{ table: 'grants', key: { pk: key }, when: [], op: 'update', set }],
  });
}

/**
 * The provider fails for a quarter of an hour; every process that probes it in the first three minutes of health dies
 * with its probe.
 */
export async function deadProber(): Promise<Finding> {
  const world = await createFleetWorld(FLEET);
  const { weather, scheduler, situations } = world.context;
  await world.pass(3);
  weather.begin('provider_down', 15 * MINUTE);
  await world.pass(15);
  const opened = situations.counts().circuit_opened ?? 0;
  let killed = 0;
  let probes = situations.counts().probe ?? 0;
  scheduler.onGate(({ name }) => {
    const now = situations.counts().probe ?? 0;
    const isProbe = name.startsWith('sweep') && now > probes;
    probes = now;
    if (isProbe) killed += 1;
    return isProbe ? 'kill' : undefined;
  });
  await world.pass(3);
  scheduler.onGate(() => undefined);
  let minutes = 0;
  while (minutes < 15 && (world.watch.isProviderWatched() || expired(world) > 0)) {
    await world.pass(1);
    minutes += 1;
  }
  const isGood = opened > 0 && killed > 0 && minutes <= 5;
  return finding(world, 'dead probers', { circuitOpened: opened, killed, wellAfterMinutes: minutes }, isGood);
}

/** A thousand readers at once of a token that has expired cause one request; while the circuit is open, none. */
export async function thousandReaders(): Promise<Finding> {
  const world = await createFleetWorld(4);
  const { scheduler, weather, situations } = world.context;
  const [victim] = world.members;
  const { subject = '', organizationId = '' } = victim ?? {};
  await scheduler.runUntil(scheduler.now() + 61 * MINUTE);
  const sendsHealthy = await sendsOfReaders(world, organizationId, subject);
  const served = situations.counts().read_served ?? 0;
  await scheduler.runUntil(scheduler.now() + 61 * MINUTE);
  weather.begin('provider_down', 60 * MINUTE);
  for (let minute = 0; minute < 10; minute += 1) await world.pass(1);
  const isOpen = world.watch.isCircuitOpen();
  const sendsOpen = await sendsOfReaders(world, organizationId, subject);
  const figures = { readers: READERS, sendsHealthy, served, sendsCircuitOpen: sendsOpen, isOpen };
  const isGood = sendsHealthy === 1 && served === READERS && sendsOpen === 0 && isOpen;
  return finding(world, 'a thousand readers', figures, isGood);
}

const READERS = 1_000;

async function sendsOfReaders(world: FleetWorld, organizationId: string, subject: string): Promise<number> {
  const { network, scheduler } = world.context;
  const before = network.sendsFor(subject);
  for (let reader = 0; reader < READERS; reader += 1) world.processes.read(organizationId);
  await scheduler.runUntil(scheduler.now() + LEASE_TAKEN_MS);
  return network.sendsFor(subject) - before;
}

function finding(world: FleetWorld, scenario: string, figures: Finding['figures'], isGood: boolean): Finding {
  return { scenario, figures, isGood: isGood && world.problem() === undefined, problem: world.problem() };
}
