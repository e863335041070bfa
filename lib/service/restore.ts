import type { AuditRow } from '../domain/audit.ts';
import { backoffMs } from '../domain/backoff.ts';
import type { Connection } from '../domain/connection.ts';
import { decideDisconnect } from '../domain/disconnect-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, GrantKey } from '../domain/grant.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import {
  decideReopen,
  decideRestore,
  type Finding,
  findingOn,
  generationOf,
  newsSince,
  obstacleTo,
  type Restore,
  wasDisconnected,
} from '../domain/restore-decision.ts';
import { type Transaction, transactionToken } from '../domain/write.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { Policies } from './policies.ts';
import type { Clock, Store } from './ports.ts';

/**
 * Brings the grants of a restored table up to date with what the audit table, which was not restored, says has happened since
 * (protocol.md, "Restore from a point in time"). The refreshers stand still meanwhile. Safe to run again: a grant that this
 * restore has been through is left alone.
 */

export interface RestorePorts {
  readonly store: Pick<
    Store,
    'scanGrants' | 'listAudit' | 'readGrant' | 'readConnection' | 'readClaim' | 'readProvider' | 'commit'
  >;
  readonly clock: Clock;
  readonly policies: Policies;
}

/** What stands in the way of a grant, or deserves a look. `unlinked`: it serves an organisation that has no connection. */
export type Problem = 'working' | 'changing' | 'unavailable' | 'unlinked';

/** Counts of grants, but for `disconnected`: connections. In a dry run what would have been written. */
export interface RestoreReport {
  readonly grants: number;
  readonly found: Readonly<Record<Finding, number>>;
  /** By an earlier run of this restore. */
  readonly done: number;
  readonly disconnected: number;
  /** Every grant that needs a look; all but the `unlinked` are as they were. */
  readonly problems: readonly { readonly grant: GrantKey; readonly problem: Problem }[];
}

/** Grants looked at side by side: each costs some reads and a write. */
const CONCURRENCY = 8;
/** Times a grant is decided on again because somebody changed it. */
const MAX_DECISIONS = 3;
/** Between tries of what the store did not answer. */
const TRIES = 6;
const PAUSE = { baseMs: 200, capMs: 5_000 };

/**
 * Walks all grants. Throws `unavailable` when the table cannot be read to its end (run it again then); what goes wrong with a
 * single grant is in the report.
 */
export async function restore(
  ports: RestorePorts,
  run: Restore & { readonly dryRun: boolean },
): Promise<RestoreReport> {
  const tally = createTally();
  let next: string | undefined;
  do {
    const from = next === undefined ? {} : { next };
    const page = await patiently(ports, () => ports.store.scanGrants({ share: 0, of: 1, ...from }));
    await inParallel(page.grants, (grant) => restoreOne({ ports, run, tally }, grant));
    next = page.next;
  } while (next !== undefined);
  if (!run.dryRun) for (const provider of tally.written) await reopen(ports, provider);
  return tally.report();
}

type Tally = ReturnType<typeof createTally>;

interface Work {
  readonly ports: RestorePorts;
  readonly run: Restore & { readonly dryRun: boolean };
  readonly tally: Tally;
}

async function restoreOne(work: Work, seen: Grant): Promise<void> {
  const { ports, tally } = work;
  tally.grants += 1;
  try {
    let grant: Grant | undefined = seen;
    for (let decided = 0; decided < MAX_DECISIONS && grant !== undefined; decided += 1) {
      if (await attempt(work, grant)) return;
      grant = await patiently(ports, () => ports.store.readGrant(seen.pk));
    }
    tally.problem(seen, 'changing');
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    tally.problem(seen, 'unavailable');
  }
}

/** Whether the grant has been dealt with; false when it has changed under us. */
async function attempt(work: Work, seen: Grant): Promise<boolean> {
  const { ports, run, tally } = work;
  const rows = await patiently(ports, () => ports.store.listAudit(`GRANT#${seen.pk}`, newsSince(seen, run)));
  const obstacle = obstacleTo(run, seen, rows, ports.clock.now());
  if (obstacle === 'done') tally.done += 1;
  if (obstacle === 'working') tally.problem(seen, 'working');
  if (obstacle !== undefined) return true;
  const { connections, unlinked } = await connectionsOf(ports, seen);
  const ending = await endingSince(ports, seen, rows, connections);
  for (const connection of ending) if (!(await disconnectAgain(work, seen, connection))) return false;
  const isChanged = ending.length > 0 && !run.dryRun;
  const grant = isChanged ? await patiently(ports, () => ports.store.readGrant(seen.pk)) : seen;
  if (grant === undefined) return false;
  const options = { now: ports.clock.now(), policy: ports.policies(grant.provider) };
  const { finding, transaction } = decideRestore({ grant, rows, connections }, run, options);
  if (!run.dryRun && !(await written(ports, transaction))) return false;
  // What a disconnect has just closed was found open.
  tally.write(seen.provider, isChanged ? findingOn(seen, rows) : finding);
  if (unlinked) tally.problem(seen, 'unlinked');
  return true;
}

async function connectionsOf(ports: RestorePorts, { orgs = new Set(), provider }: Grant) {
  const read = [...orgs].map((organizationId) =>
    patiently(ports, () => ports.store.readConnection(organizationId, provider)),
  );
  const connections = (await Promise.all(read)).filter((connection) => connection !== undefined);
  return { connections, unlinked: connections.length < orgs.size };
}

/** Restored connections that were ended since: each by itself, or with the grant. */
async function endingSince(
  ports: RestorePorts,
  grant: Grant,
  rows: readonly AuditRow[],
  connections: readonly Connection[],
): Promise<Connection[]> {
  const served = connections.filter((connection) => isHeld(connection) && connection.grant === grant.pk);
  if (findingOn(grant, rows) === 'ended') return served;
  const ended = await Promise.all(
    served.map(async (connection) => {
      const { organizationId, connectedAt } = connection;
      const told = await patiently(ports, () => ports.store.listAudit(`ORG#${organizationId}`, connectedAt));
      return wasDisconnected(connection, told);
    }),
  );
  return served.filter((_, index) => ended[index]);
}

/** False when connection, claim or grant changed meanwhile. */
async function disconnectAgain({ ports, run, tally }: Work, { pk }: Grant, connection: Connection): Promise<boolean> {
  const { store, clock, policies } = ports;
  const { provider, tenantId, linkId, version } = connection;
  const [claim, grant] = await patiently(ports, () =>
    Promise.all([store.readClaim(provider, tenantId), store.readGrant(pk)]),
  );
  const now = clock.now();
  const id = transactionToken('restore', run.id, linkId, version, grant?.number ?? 0, now);
  const transaction = decideDisconnect(
    { connection, claim, grant, kind: PROVIDERS[provider].disconnect.kind },
    { id, generation: generationOf(pk, run, now), now, policy: policies(provider) },
  );
  if (!run.dryRun && !(await written(ports, transaction))) return false;
  tally.disconnected += 1;
  return true;
}

/** Whether its conditions held. Never in part: without its audit row a grant would be written again by the next run. */
async function written({ store, clock }: RestorePorts, transaction: Transaction): Promise<boolean> {
  return (await patiently({ clock }, () => store.commit(transaction))).committed;
}

async function reopen(ports: RestorePorts, provider: ProviderId): Promise<void> {
  const state = await patiently(ports, () => ports.store.readProvider(provider));
  await written(ports, decideReopen(state, provider, ports.clock.now()));
}

async function patiently<T>({ clock }: Pick<RestorePorts, 'clock'>, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnavailable(error) || tries >= TRIES) throw error;
      await clock.sleep(Math.max(PAUSE.baseMs, backoffMs(tries, Math.random(), PAUSE)));
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof GrantkeeperError && error.code === 'unavailable';
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
}

function createTally() {
  const found: Record<Finding, number> = { current: 0, behind: 0, ended: 0, reauthorized: 0 };
  const problems: { grant: GrantKey; problem: Problem }[] = [];
  const written = new Set<ProviderId>();
  return {
    grants: 0,
    done: 0,
    disconnected: 0,
    written,
    write(provider: ProviderId, finding: Finding): void {
      found[finding] += 1;
      written.add(provider);
    },
    problem({ pk }: Grant, problem: Problem): void {
      problems.push({ grant: pk, problem });
    },
    report(): RestoreReport {
      const { grants, done, disconnected } = this;
      return { grants, found, done, disconnected, problems };
    },
  };
}
