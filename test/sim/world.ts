import { grantKey, type Instant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { T0 } from '../support/grants.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { createSimCipher } from './cipher.ts';
import { createClientSecret } from './client-secret.ts';
import { Codes } from './codes.ts';
import type { Mutant, SimContext } from './context.ts';
import { Custody } from './custody.ts';
import { createFaults } from './faults.ts';
import { Network } from './network.ts';
import { Problems } from './problems.ts';
import type { Process } from './process.ts';
import { Processes } from './processes.ts';
import { type Rotation, SimProvider } from './provider.ts';
import { createRandom } from './random.ts';
import { RescueLine } from './rescue-line.ts';
import { Scheduler } from './scheduler.ts';
import { createSightings } from './situations.ts';
import { createDueIndex } from './store.ts';
import { createTrace } from './trace.ts';
import { createIds } from './ulids.ts';
import { Watch } from './watch.ts';
import { createWeather } from './weather.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly providerId: ProviderId;
  readonly rotation: Rotation;
  /** How far the clocks of processes may be off, each way. */
  readonly skewMs?: number;
  readonly mutant?: Mutant;
  /** Whether the answer to the write that a process has just made gets lost. */
  readonly losesAnswer?: (process: Process) => boolean;
  /** Thousands of grants: what costs time with each of them is left out. */
  readonly isFleet?: boolean;
}

export type World = ReturnType<typeof createWorld>;

/**
 * The real services as processes of their own, over one store, one queue and one provider, in an order that a seed
 * decides.
 */
export function createWorld(options: WorldOptions) {
  const random = createRandom(options.seed);
  const scheduler = new Scheduler(random, T0);
  const trace = createTrace(() => scheduler.now());
  const problems = new Problems(scheduler, trace);
  const { context, complete } = begin({ options, random, scheduler, trace, problems });
  const counted = { refreshes: 0 };
  const faults = createFaults(context);
  const watch = new Watch(context, { isFleet: options.isFleet ?? false });
  complete({
    network: new Network(context),
    line: new RescueLine(context),
    onSend: faults.onSend,
    onCommitted: faults.onCommitted,
    onRefreshed(value, process) {
      counted.refreshes += 1;
      faults.onRefreshed(value, process);
    },
    isCurrent(subject, value) {
      const image = watch.images().get(grantKey(options.providerId, subject));
      return image?.current !== undefined && context.cipher.peek(image.current) === value;
    },
  });
  scheduler.onEnd((process) => {
    const { name, state } = process;
    trace.tell(() => `${name} ${state}`);
    context.custody.ended(process);
  });
  return {
    context,
    watch,
    processes: new Processes(context, watch),
    trace,
    problem: () => problems.first(),
    lost: () => problems.lost(),
    /** Requests for new tokens that the provider has looked at. */
    refreshes: () => counted.refreshes,
  };
}

interface Beginnings extends Pick<SimContext, 'random' | 'scheduler'> {
  readonly options: WorldOptions;
  readonly trace: ReturnType<typeof createTrace>;
  readonly problems: Problems;
}

/** Parts that need the others to be made are added when the others are there. */
type Later = 'network' | 'line' | 'onSend' | 'onCommitted' | 'onRefreshed' | 'isCurrent';

function begin({ options, random, scheduler, trace, problems }: Beginnings) {
  const now = () => scheduler.now();
  const { providerId, rotation, skewMs = 0 } = options;
  const situations = createSightings();
  const weather = createWeather(random, now);
  const store = createMemoryStore({ now });
  const provider = new SimProvider(rotation, now);
  const codes = new Codes();
  const ids = createIds(random);
  const known = new Set<string>();
  const parts: Omit<SimContext, Later> = {
    providerId,
    random,
    scheduler,
    weather,
    store,
    cipher: createSimCipher(),
    provider,
    custody: new Custody({
      provider,
      now,
      hinderedMs: weather.hinderedMs,
      queueDownMs: weather.queueDownMs,
      onLoss: (loss) => problems.lose(loss),
    }),
    situations,
    client: createClientSecret({ scheduler, weather, situations }),
    index: createDueIndex(store, now),
    mutant: options.mutant ?? {},
    losesAnswer: options.losesAnswer ?? (() => false),
    poisoned: new Set(),
    fail: (what) => problems.fail(what),
    onThrown: (error) => problems.threw(error),
    onPlain: (place, what) => problems.leaves(place, what),
    tell: trace.tell,
    skew: () => (skewMs === 0 ? 0 : random.between(-skewMs, skewMs)),
    clockOf: (process) => clockOf(scheduler, process),
    newId: (process) => ids.next(now() + process.skewMs),
    newWorldId: () => ids.next(now()),
    issueCode: (who) => codes.issue(who),
    authorisationOf: (code) => codes.authorisationOf(code),
    retryAfter: () => headerOf(random.pick([undefined, '1', '30', '120', 'date', 'soon']), now()),
    isKnown: (value) => known.size === known.add(value).size,
  };
  const context = parts as SimContext;
  return { context, complete: (later: Pick<SimContext, Later>) => void Object.assign(parts, later) };
}

function clockOf(scheduler: Scheduler, process: Process) {
  return {
    now: () => scheduler.now() + process.skewMs,
    sleep: (milliseconds: number) => scheduler.gate(process, Math.max(0, milliseconds)),
  };
}

function headerOf(word: string | undefined, now: Instant): string | undefined {
  return word === 'date' ? new Date(now + 90_000).toUTCString() : word;
}
