/**
 * A worker, to be killed at any moment: the product's sweep, readers' refreshes and the rescue function over the
 * product's real adapters, in endless loops. It is bundled before it runs, because a process that lives for a second
 * must not spend it on loading.
 */
import { ulid } from 'ulid';
import { duePartitions, grantKey } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { refreshDue, type SweepPorts } from '../../lib/service/refresh-due.ts';
import { refreshGrant } from '../../lib/service/refresh-grant.ts';
import { serve, tell } from './children.ts';
import { createFastClock, type Pace } from './clocks.ts';
import { createRefresher, type Place, queueClient } from './place.ts';
import { rescueMessages } from './rescue-messages.ts';

/** What can be asked of a worker. */
export type WorkerHandlers = typeof handlers;

export interface WorkerOptions {
  readonly place: Place;
  readonly pace: Pace;
  readonly provider: ProviderId;
  readonly subjects: readonly string[];
  /** Which process this is; its attempt ids end in it. */
  readonly incarnation: number;
}

/** Told a few times a second: metrics counted since the last time, by name and outcome. */
export type Counted = Readonly<Record<string, number>>;

/** As `refresh-due` and `refresh-grant` are given, by the common clock. */
const SWEEP_MS = 180_000;
const REFRESH_MS = 80_000;
/** Between two runs of a loop, by the common clock. */
const PAUSE_MS = 5_000;
const TELL_MS = 250;
/** How many of all sweeps look at everything, and how many partitions the others look at. */
const WHOLE_SWEEPS = 0.3;
const SHARE = 6;
/** The token endpoint's own limits (lib/oauth/token-endpoint.ts), which run in real time and have to keep pace. */
const TOKEN_LIMITS = { connectMs: 5_000, answerMs: 45_000 };

let isRunning = false;
const loops: Promise<void>[] = [];
const counted = new Map<string, number>();

const handlers = {
  start(options: WorkerOptions): void {
    const { factor } = options.pace;
    const clock = createFastClock(options.pace);
    const ports = createRefresher(options.place, {
      clock,
      limits: { connectMs: TOKEN_LIMITS.connectMs / factor, answerMs: TOKEN_LIMITS.answerMs / factor },
      newId: () => attemptIdOf(options.incarnation),
      onCount: (name, value, dimensions) => count([name, dimensions?.outcome].filter(Boolean).join(' '), value),
      onLog: (level, message, { reason }) => {
        if (level === 'error' || reason !== undefined) count(`log: ${[message, reason].filter(Boolean).join(' ')}`, 1);
      },
    });
    const queue = { client: queueClient(options.place), queueUrl: options.place.rescueQueueUrl };
    isRunning = true;
    setInterval(tellCounted, TELL_MS).unref();
    loops.push(
      loop(ports, () => sweep(ports, options.provider)),
      loop(ports, () => refreshAny(ports, options)),
      loop(ports, () => rescueMessages(ports, queue)),
    );
  },
  /** Begins nothing new; resolves when all that was begun has ended. */
  async drain(_: undefined): Promise<void> {
    isRunning = false;
    await Promise.all(loops);
    tellCounted();
  },
};

async function loop(ports: SweepPorts, work: () => Promise<void>): Promise<void> {
  while (isRunning) {
    try {
      await work();
    } catch {
      count('run failed', 1);
    }
    await ports.clock.sleep(PAUSE_MS);
  }
}

/** A whole sweep, or a share of one as a copy of the function is handed it: it comes to its work sooner. */
async function sweep(ports: SweepPorts, provider: ProviderId): Promise<void> {
  const deadlineAt = ports.clock.now() + SWEEP_MS;
  if (Math.random() < WHOLE_SWEEPS) await refreshDue(ports, { deadlineAt });
  else await refreshDue(ports, { deadlineAt, partitions: anyOf(duePartitions(provider), SHARE) });
}

function anyOf<T>(items: readonly T[], count: number): T[] {
  return [...items].sort(() => Math.random() - 0.5).slice(0, count);
}

/**
 * A reader whose token will not last asks for a refresh, whatever the sweep is doing. Every other grant has no readers,
 * so that what is found again there was found by the schedule alone.
 */
async function refreshAny(ports: SweepPorts, { provider, subjects }: WorkerOptions): Promise<void> {
  const subject = subjects[2 * Math.floor((Math.random() * subjects.length) / 2)] ?? '';
  const now = ports.clock.now();
  const request = { grant: grantKey(provider, subject), trigger: 'expiring', neededUntil: now + 300_000 } as const;
  await refreshGrant(ports, request, now + REFRESH_MS);
}

/** A ULID whose last six characters name the process, so that the records say who died. */
function attemptIdOf(incarnation: number): string {
  return `${ulid().slice(0, 20)}${String(incarnation).padStart(6, '0')}`;
}

function count(name: string, value: number): void {
  counted.set(name, (counted.get(name) ?? 0) + value);
}

function tellCounted(): void {
  if (counted.size === 0) return;
  const told: Counted = Object.fromEntries(counted);
  counted.clear();
  tell(told);
}

serve(handlers);
