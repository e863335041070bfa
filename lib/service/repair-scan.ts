import { type Grant, type GrantStatus, type Instant, isLiving } from '../domain/grant.ts';
import { PROVIDER_IDS, type ProviderId } from '../domain/names.ts';
import { type Counted, decideCounted } from '../domain/observe-decision.ts';
import { decideScanned } from '../domain/scan-decision.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { LogOutcome, Store } from './ports.ts';

/**
 * Once a day every grant is looked at, not only what the due index names: should a grant have fallen out of the index,
 * nothing else would ever find it (I11).
 */

/** Parts of the table, and how many are scanned at once. */
const SHARES = 16;
const SCANNERS = 4;
/** Repairs under way at once per scanner. */
const REPAIRS = 8;
const PAGE_TRIES = 3;
const PAUSE_MS = 500;
const WRITE_MS = 5_000;
/** For the page under way and its repairs. */
const STOP_MS = 15_000;
const DAY_MS = 24 * 3600_000;
/** More of one kind say no more. */
const MAX_TOLD = 100;

export interface RepairPorts extends PersistPorts {
  readonly store: Pick<Store, 'scanGrants' | 'commit'>;
  readonly policies: Policies;
  readonly log: LogOutcome;
}

export interface RepairResult {
  /** Grants looked at. */
  readonly count: number;
  /** Grants put right. */
  readonly done: number;
  /** Grants that could not be put right. */
  readonly failed: number;
  /** Parts of the table, of sixteen, that were not looked at to their end. */
  readonly missed: number;
}

/**
 * Puts right what the sweep would not find, or too late, and counts the grants of each provider. Stops before
 * `deadlineAt`; a run that did not get through says so in an error line and leaves the counts as they were.
 */
export async function repairAll(
  ports: RepairPorts,
  { deadlineAt }: { readonly deadlineAt: Instant },
): Promise<RepairResult> {
  const tally: Tally = { count: 0, done: 0, failed: 0, missed: 0, counted: emptyCounts() };
  const run = { ports, deadlineAt, tally };
  const shares = sharesOfToday(ports.clock.now());
  const scanner = async () => {
    for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
      if (!(await scanShare(run, share))) tally.missed += 1;
    }
  };
  await Promise.all(Array.from({ length: SCANNERS }, scanner));
  const { counted, ...result } = tally;
  if (tally.missed > 0) ports.log('error', 'the daily scan did not get through', result);
  else await Promise.all(PROVIDER_IDS.map((provider) => storeCount(run, provider, counted[provider])));
  return result;
}

type Tally = { -readonly [K in keyof RepairResult]: RepairResult[K] } & { readonly counted: Counts };

type Counts = Record<ProviderId, { living: number; readonly byStatus: Record<GrantStatus, number> }>;

function emptyCounts(): Counts {
  const none = () => ({ living: 0, byStatus: { active: 0, suspect: 0, needs_reauth: 0, closing: 0, closed: 0 } });
  return { quickbooks: none(), xero: none() };
}

function countGrant(tally: Tally, grant: Grant): void {
  const counted = tally.counted[grant.provider];
  tally.count += 1;
  counted.byStatus[grant.status] += 1;
  if (isLiving(grant)) counted.living += 1;
}

interface Run {
  readonly ports: RepairPorts;
  readonly deadlineAt: Instant;
  readonly tally: Tally;
}

/** Each day begins elsewhere, so that scans that do not get through leave out another part each time. */
function sharesOfToday(now: Instant): number[] {
  const first = Math.floor(now / DAY_MS) % SHARES;
  return Array.from({ length: SHARES }, (_, index) => (first + index) % SHARES);
}

/** Whether the whole share was scanned. */
async function scanShare(run: Run, share: number): Promise<boolean> {
  const { ports, deadlineAt } = run;
  let next: string | undefined;
  do {
    if (ports.clock.now() + STOP_MS > deadlineAt) return false;
    const page = await readPage(ports, share, next);
    if (page === undefined) return false;
    await repairPage(run, page.grants);
    next = page.next;
  } while (next !== undefined);
  return true;
}

async function readPage(ports: RepairPorts, share: number, next: string | undefined) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ports.store.scanGrants({ share, of: SHARES, ...(next === undefined ? {} : { next }) });
    } catch (error) {
      if (tries < PAGE_TRIES) await ports.clock.sleep(PAUSE_MS * tries);
      else {
        ports.log('error', 'a page of grants could not be scanned', { error: nameOf(error) });
        return undefined;
      }
    }
  }
}

async function repairPage(run: Run, grants: readonly Grant[]): Promise<void> {
  const { tally } = run;
  const waiting = [...grants];
  const worker = async () => {
    for (let grant = waiting.pop(); grant !== undefined; grant = waiting.pop()) {
      countGrant(tally, grant);
      await repair(run, grant);
    }
  };
  await Promise.all(Array.from({ length: REPAIRS }, worker));
}

async function repair({ ports, deadlineAt, tally }: Run, grant: Grant): Promise<void> {
  const now = ports.clock.now();
  const transaction = decideScanned(grant, ports.policies(grant.provider), now);
  if (transaction === undefined) return;
  try {
    // A failed condition means that somebody is at work on it and sets its due date.
    const { committed } = await persist(ports, transaction, Math.min(now + WRITE_MS, deadlineAt));
    if (!committed) return;
    tally.done += 1;
    if (tally.done <= MAX_TOLD)
      ports.log('warn', 'a grant the sweep would have missed was put right', { grant: grant.pk });
  } catch (error) {
    tally.failed += 1;
    if (tally.failed <= MAX_TOLD) {
      ports.log('error', 'a grant could not be put right', { grant: grant.pk, error: nameOf(error) });
    }
  }
}

async function storeCount({ ports, deadlineAt }: Run, provider: ProviderId, counted: Counted): Promise<void> {
  const now = ports.clock.now();
  try {
    await persist(ports, decideCounted(provider, counted, now), Math.min(now + WRITE_MS, deadlineAt));
  } catch (error) {
    ports.log('error', 'the number of grants could not be stored', { provider, error: nameOf(error) });
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
