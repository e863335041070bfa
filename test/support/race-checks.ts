import { duePartition, type Grant, type GrantFields, type GrantKey, isLiving } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { nextDue, UNSERVED_MS } from '../../lib/domain/next-due.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { MemoryCipher } from './memory-cipher.ts';
import type { MemoryStore } from './memory-store.ts';
import type { RaceProvider } from './race-provider.ts';
import type { Scheduler } from './race-scheduler.ts';

export interface Raced {
  readonly provider: ProviderId;
  readonly subject: string;
  readonly key: GrantKey;
  readonly organizations: readonly string[];
}

interface Watched {
  readonly raced: Raced;
  readonly scheduler: Scheduler;
  readonly store: MemoryStore;
  readonly cipher: MemoryCipher;
  readonly remote: RaceProvider;
}

export type RaceChecks = ReturnType<typeof createRaceChecks>;

/** Holds every write of a race against the invariants of design §5, and counts the situations the race has been through. */
export function createRaceChecks({ raced, scheduler, store, cipher, remote }: Watched) {
  const policy = createPolicies()(raced.provider);
  const seen = new Map<string, number>();
  const trace: string[] = [];
  /** Plain refresh tokens of the grant by attempt. */
  let stored = new Map<string, string>();
  let grant: GrantFields | undefined;
  let problem: string | undefined;
  /** The writes after which an organisation was last connected; Infinity while it is. */
  const connectedUntil = new Map<string, number>();
  let writes = 0;
  let authorisedAt = 0;

  const saw = (situation: string) => void seen.set(situation, (seen.get(situation) ?? 0) + 1);
  const fail = (what: string) => {
    problem ??= what;
  };
  const tell = (what: string) => void trace.push(`${scheduler.now()} ${what}`);

  store.onCommit({
    async after(transaction, { committed }) {
      tell(`${committed ? 'wrote' : 'refused'} ${describe(transaction)}`);
      if (!committed) return;
      writes += 1;
      for (const organizationId of raced.organizations) await watchConnection(organizationId);
      if (transaction.writes.some(({ table }) => table === 'grants')) await look(transaction);
    },
  });
  scheduler.onEnd((worker) => tell(`${worker.name} ${worker.dead ? 'died' : 'ended'}`));

  async function watchConnection(organizationId: string): Promise<void> {
    const connection = await store.readConnection(organizationId, raced.provider);
    if (connection?.status === 'connected') connectedUntil.set(organizationId, Number.POSITIVE_INFINITY);
    else if (connectedUntil.get(organizationId) === Number.POSITIVE_INFINITY)
      connectedUntil.set(organizationId, writes);
  }

  async function look(transaction: Transaction): Promise<void> {
    const before = grant;
    const after = (await store.readGrant(raced.key)) as GrantFields | undefined;
    grant = after;
    if (after === undefined) return;
    await openTokens(after);
    if (before !== undefined && after.tokenVersion < before.tokenVersion) fail('I1: the version went back');
    const isTurn = before?.status === 'active' && after.status === 'suspect';
    if (isTurn && remote.valid(raced.subject).some(({ value }) => value === stored.get(after.current?.attemptId ?? '')))
      fail('I3: suspect with a good token');
    if (isTransition(before, after) && !hasAudit(transaction)) fail('I9: a transition without an audit row');
    checkClosing(before, after, transaction);
    checkDue(after);
    checkTokens();
    note(before, after, transaction);
  }

  /** Only a disconnect ends an authorisation that a flow may still want. */
  function checkClosing(before: GrantFields | undefined, after: GrantFields, { writes: legs }: Transaction): void {
    if (after.status === 'active' && after.generation !== before?.generation) authorisedAt = after.lastRefreshedAt ?? 0;
    const isEnd = before !== undefined && isLiving(before as Grant) && !isLiving(after as Grant);
    const isDisconnect = legs.some(({ table }) => table === 'connections');
    if (isEnd && !isDisconnect && scheduler.now() - authorisedAt < UNSERVED_MS)
      fail(`the authorisation of ${authorisedAt} was closed`);
  }

  function checkDue(after: GrantFields): void {
    const due = nextDue(after, policy, scheduler.now());
    if (due === undefined) return;
    const isFound = after.duePartition === duePartition(after, after.status);
    if (!isFound || after.dueAt === undefined || after.dueAt > due)
      fail(`I11: due at ${after.dueAt} instead of ${due} (${after.status}, ${after.duePartition})`);
  }

  async function openTokens(image: GrantFields): Promise<void> {
    const known = stored;
    stored = new Map();
    const context = { provider: raced.provider, grant: raced.key, purpose: 'refresh' } as const;
    for (const token of [...(image.current === undefined ? [] : [image.current]), ...Object.values(image.held)]) {
      const value = known.get(token.attemptId) ?? (await cipher.open(token, context)).open();
      stored.set(token.attemptId, value);
      remote.keep(value, { ended: !isLiving(image as Grant) });
    }
  }

  /** A good token that was stored, or need not have been lost, is gone, and there is no other. */
  function checkTokens(): void {
    if (grant === undefined || !isLiving(grant as Grant)) return;
    const valid = remote.valid(raced.subject);
    const dropped = valid.find(({ lost }) => !lost);
    const values = new Set(stored.values());
    const isSafe = valid.some(({ value, carrier }) => values.has(value) || !carrier.over);
    if (dropped !== undefined && !isSafe) fail(`I2: ${dropped.value} was good and is gone`);
  }

  function note(before: GrantFields | undefined, after: GrantFields, { writes: legs }: Transaction): void {
    if (before?.status !== after.status) saw(`${before?.status ?? 'new'} to ${after.status}`);
    for (const leg of legs) if (leg.table === 'audit' && leg.op === 'put') saw(leg.item.event);
    if (after.auditOwed !== undefined) saw('audit owed');
    if (before === undefined) return;
    const { attempt } = after;
    const isLeased = attempt !== undefined && attempt.outcome === undefined;
    const isNew = after.generation !== before.generation && after.status === 'active';
    if (isNew && isLeased) saw('authorised anew while leased');
    if (isLeased && Object.keys(after.detach).length > Object.keys(before.detach).length) saw('duty while leased');
    if (!isNew && after.tokenVersion > before.tokenVersion && attempt?.number !== after.tokenVersion) saw('displaced');
  }

  return {
    seen,
    trace,
    saw,
    fail,
    checkTokens,
    problem: () => problem,
    grant: () => grant,
    isHeld: (value: string) => Object.keys(grant?.held ?? {}).some((id) => stored.get(id) === value),
    hasGoodToken(forMs: number): boolean {
      const values = new Set(stored.values());
      return remote.valid(raced.subject, forMs).some(({ value }) => values.has(value));
    },
    writes: () => writes,
    wasConnected: (organizationId: string, since: number) => (connectedUntil.get(organizationId) ?? -1) >= since,
  };
}

function isTransition(before: GrantFields | undefined, after: GrantFields): boolean {
  const { attempt } = after;
  const isReport = attempt?.outcome !== undefined && attempt.outcome !== before?.attempt?.outcome;
  return (
    before?.status !== after.status ||
    before.generation !== after.generation ||
    before.tokenVersion !== after.tokenVersion ||
    (isReport && attempt.outcome !== 'OK')
  );
}

function hasAudit({ writes, token }: Transaction): boolean {
  const isOwed = writes.some(
    (write) =>
      write.table === 'grants' &&
      ((write.op === 'update' && write.set?.auditOwed !== undefined) ||
        (write.op === 'put' && write.item.auditOwed !== undefined)),
  );
  // `.a`: the row was there already.
  return isOwed || token.endsWith('.a') || writes.some(({ table }) => table === 'audit');
}

function describe({ writes }: Transaction): string {
  const leg = (write: Transaction['writes'][number]) =>
    write.table === 'audit' && write.op === 'put'
      ? `${write.item.event} ${write.item.number ?? ''}`
      : `${write.table}.${write.op}`;
  return writes.map(leg).join(' + ');
}
