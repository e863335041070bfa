import type { AuditRow } from '../domain/audit.ts';
import type { Connection } from '../domain/connection.ts';
import type { Flow } from '../domain/flow.ts';
import type { Grant, GrantKey, Instant } from '../domain/grant.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { appendAudit, type Transaction, transactionToken, type Write } from '../domain/write.ts';
import {
  auditOf,
  decideForget,
  decideForgetConnection,
  decideKey,
  deleteRow,
  erasedRow,
  inBatches,
  isOnlyOf,
  type KeyFacts,
  owedFor,
  unnameRow,
} from './erase-plan.ts';
import { persist } from './persist.ts';
import type { CountRescues, Store } from './ports.ts';
import { type NotEnded, type RevokePorts, revokeAll } from './revoke-all.ts';

/**
 * Forgets an organisation: its connections are ended as anybody's are, and when the providers have been told, what names it is
 * deleted. Safe to run again at any time: each run meets what is left, and the connections go last, because they lead to
 * everything else.
 */

export interface ErasePorts extends RevokePorts {
  readonly store: RevokePorts['store'] & Pick<Store, 'listConnections' | 'listAudit'>;
  readonly countRescues: CountRescues;
  /** Connections of every organisation that name one of these grants. */
  readonly connectionsOn: (grants: readonly GrantKey[]) => Promise<readonly Connection[]>;
  readonly flowsOf: (organizationId: string) => Promise<readonly Pick<Flow, 'pk' | 'provider'>[]>;
  /** API keys that name it. */
  readonly keysOf: (organizationId: string) => Promise<readonly KeyFacts[]>;
  /** Every audit row that names it, wherever: a walk through the whole table. Absent: only what its connections lead to. */
  readonly rowsNaming?: (organizationId: string) => AsyncIterable<readonly AuditRow[]>;
}

/** What there is of an organisation. */
export interface EraseSurvey {
  readonly connections: number;
  /** Of them those that still have to be ended. */
  readonly held: number;
  /** Grants of its connections that nobody else has to do with: they go when they are closed. */
  readonly ownGrants: readonly GrantKey[];
  /** Grants that other organisations have to do with too: they stay; their audit does not name it any more. */
  readonly sharedGrants: readonly GrantKey[];
  readonly flows: number;
  readonly auditRows: number;
  /** API keys that are for it alone, and end. */
  readonly endingKeys: number;
  /** API keys of others too, which lose it. */
  readonly sharedKeys: number;
}

/** What keeps the rest from being deleted now. */
export interface Waiting {
  readonly provider: ProviderId;
  readonly grant: GrantKey;
  readonly why: 'detach' | 'revoke' | 'close' | 'at_work' | 'rescue_queue' | 'changed';
}

export interface EraseReport extends EraseSurvey {
  readonly failed: readonly NotEnded[];
  readonly waiting: readonly Waiting[];
  /** Nothing names it any more. */
  readonly complete: boolean;
}

const WRITE_MS = 15_000;
/** Between looks at what the sweep has done. */
const LOOK_EVERY_MS = 5_000;

/** What an erasure would find; writes nothing. Throws `unavailable`. */
export async function surveyErasure(ports: ErasePorts, organizationId: string): Promise<EraseSurvey> {
  const { survey } = await find(ports, organizationId);
  return survey;
}

/**
 * Erases, as far as it goes until `waitUntil`: providers are told by the sweep, which may take minutes. `onProgress` hears what
 * is being done. Throws `unavailable`.
 */
export async function erase(
  ports: ErasePorts,
  organizationId: string,
  options: { readonly waitUntil: Instant; readonly onProgress: (line: string) => void },
): Promise<EraseReport> {
  const found = await find(ports, organizationId);
  const { failed } = await revokeAll(ports, once(found.connections));
  options.onProgress(`${found.survey.held - failed.length} connections ended`);
  await forgetTraces(ports, organizationId, found);
  const waiting = failed.length > 0 ? [] : await untilSettled(ports, organizationId, options);
  const left = failed.length + waiting.length;
  if (left > 0) return { ...found.survey, failed, waiting, complete: false };
  const kept = await forgetConnections(ports, organizationId, found.survey);
  if (kept.length > 0) return { ...found.survey, failed, waiting: kept, complete: false };
  for await (const page of ports.rowsNaming?.(organizationId) ?? []) await writeAll(ports, page.map(unnameRow));
  // What the disconnects and their duties have written since.
  await writeAll(ports, (await ports.store.listAudit(`ORG#${organizationId}`, 0)).map(deleteRow));
  await leaveTrace(ports, organizationId, found.providers);
  return { ...found.survey, failed, waiting, complete: true };
}

interface Found {
  readonly connections: readonly Connection[];
  readonly flows: readonly Pick<Flow, 'pk' | 'provider'>[];
  readonly keys: readonly KeyFacts[];
  readonly rows: readonly AuditRow[];
  readonly providers: readonly ProviderId[];
  readonly survey: EraseSurvey;
}

async function find(ports: ErasePorts, organizationId: string): Promise<Found> {
  const [connections, rows, flows, keys] = await Promise.all([
    ports.store.listConnections(organizationId),
    ports.store.listAudit(`ORG#${organizationId}`, 0),
    ports.flowsOf(organizationId),
    ports.keysOf(organizationId),
  ]);
  const ownGrants = await ownGrantsOf(ports, organizationId, connections);
  const endingKeys = keys.filter(({ organizations }) => organizations.length === 1).length;
  return {
    ...{ connections, flows, keys, rows },
    providers: [...new Set([...connections, ...rows, ...flows].map(({ provider }) => provider))].sort(),
    survey: {
      connections: connections.length,
      held: connections.filter(isHeld).length,
      ownGrants,
      sharedGrants: connections.map(({ grant }) => grant).filter((grant) => !ownGrants.includes(grant)),
      flows: flows.length,
      auditRows: rows.length,
      endingKeys,
      sharedKeys: keys.length - endingKeys,
    },
  };
}

async function ownGrantsOf(
  ports: ErasePorts,
  organizationId: string,
  connections: readonly Connection[],
): Promise<GrantKey[]> {
  const grants = connections.map(({ grant }) => grant);
  const everybodys = grants.length === 0 ? [] : await ports.connectionsOn(grants);
  const own = await Promise.all(
    grants.map(async (grant) => {
      const rows = await ports.store.listAudit(auditOf(grant), 0);
      return isOnlyOf(organizationId, { connections: everybodys.filter((each) => each.grant === grant), rows });
    }),
  );
  return grants.filter((_, index) => own[index]);
}

/** All that leads nowhere: flows, keys, the organisation's audit. */
async function forgetTraces(ports: ErasePorts, organizationId: string, { flows, keys, rows }: Found): Promise<void> {
  const deletes = flows.map(({ pk }) => ({ table: 'flows', key: { pk }, when: [], op: 'delete' }) as const);
  await writeAll(ports, deletes);
  for (const key of keys) await write(ports, decideKey(key, organizationId, ports.clock.now()));
  await writeAll(ports, rows.map(deleteRow));
}

async function untilSettled(
  ports: ErasePorts,
  organizationId: string,
  { waitUntil, onProgress }: { readonly waitUntil: Instant; readonly onProgress: (line: string) => void },
): Promise<readonly Waiting[]> {
  for (;;) {
    const waiting = await waitingFor(ports, organizationId);
    if (waiting.length === 0 || ports.clock.now() + LOOK_EVERY_MS > waitUntil) return waiting;
    onProgress(`waiting for the sweep: ${waiting.map(({ grant, why }) => `${why} ${grant}`).join(', ')}`);
    await ports.clock.sleep(LOOK_EVERY_MS);
  }
}

async function waitingFor(ports: ErasePorts, organizationId: string): Promise<readonly Waiting[]> {
  const connections = await ports.store.listConnections(organizationId);
  const looked = await Promise.all(
    connections.map(async (connection) => {
      const { provider, grant: key } = connection;
      const why = owedFor(connection, await ports.store.readGrant(key));
      return why === undefined ? [] : [{ provider, grant: key, why }];
    }),
  );
  return looked.flat();
}

/** The grants that were its own, with their audit, then the connections. Answers what could not go yet. */
async function forgetConnections(
  ports: ErasePorts,
  organizationId: string,
  { ownGrants }: EraseSurvey,
): Promise<readonly Waiting[]> {
  const kept: Waiting[] = [];
  for (const connection of await ports.store.listConnections(organizationId)) {
    const { provider, grant: key } = connection;
    const why = ownGrants.includes(key) ? await forgetGrant(ports, key) : await forgetName(ports, organizationId, key);
    const isGone = why === undefined && (await write(ports, decideForgetConnection(connection, ports.clock.now())));
    if (!isGone) kept.push({ provider, grant: key, why: why ?? 'changed' });
  }
  return kept;
}

/** A token on its way to a grant that is gone could not be stored, and would page. */
async function forgetGrant(ports: ErasePorts, key: GrantKey): Promise<Waiting['why'] | undefined> {
  const grant: Grant | undefined = await ports.store.readGrant(key);
  if (grant !== undefined) {
    if ((await ports.countRescues()) > 0) return 'rescue_queue';
    const transaction = decideForget(grant, ports.clock.now());
    if (transaction === undefined) return 'at_work';
    if (!(await write(ports, transaction))) return 'changed';
  }
  await writeAll(ports, (await ports.store.listAudit(auditOf(key), 0)).map(deleteRow));
  return undefined;
}

/** The authorisation stays, because others use it. */
async function forgetName(ports: ErasePorts, organizationId: string, key: GrantKey): Promise<undefined> {
  const rows = await ports.store.listAudit(auditOf(key), 0);
  await writeAll(ports, rows.filter((row) => row.organizationId === organizationId).map(unnameRow));
}

async function leaveTrace(ports: ErasePorts, organizationId: string, providers: readonly ProviderId[]): Promise<void> {
  const now = ports.clock.now();
  for (const provider of providers) {
    const row = erasedRow(organizationId, provider, now);
    await write(ports, { token: transactionToken('erased', row.pk, provider, now), writes: [appendAudit(row)] });
  }
}

async function writeAll(ports: ErasePorts, writes: readonly Write[]): Promise<void> {
  for (const transaction of inBatches(writes, ports.clock.now())) await write(ports, transaction);
}

async function write(ports: ErasePorts, transaction: Transaction): Promise<boolean> {
  return (await persist(ports, transaction, ports.clock.now() + WRITE_MS)).committed;
}

async function* once(page: readonly Connection[]): AsyncIterable<readonly Connection[]> {
  yield page;
}
