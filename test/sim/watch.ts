import type { GrantFields, GrantKey, Instant } from '../../lib/domain/grant.ts';
import type { Transaction, Verdict } from '../../lib/domain/write.ts';
import { MINUTE } from '../support/grants.ts';
import { applied, type Item } from '../support/memory-items.ts';
import { describe, type GrantChange, grantsIn, isLivingRecord, rowsIn, situationsOf } from './changes.ts';
import type { SimContext } from './context.ts';
import { PLANTED } from './fleet.ts';
import { brokenBy, broughtBy, type Truth } from './invariants.ts';

/** A refusal may have been on its way for so long when the provider is already fair again. */
const DENIAL_MS = 5 * MINUTE;

/**
 * Looks at every write, at what it left behind, and holds both against the invariants. For a whole fleet what is left
 * behind is worked out from the write, as looking a grant up takes too long; only writes that are never repeated allow
 * that.
 */
export class Watch {
  readonly #context: SimContext;
  readonly #isFleet: boolean;
  readonly #images = new Map<GrantKey, GrantFields>();
  /** Sort keys of audit rows, and the attempts, generations and links they are about. */
  readonly #rows = new Set<string>();
  /** The count of writes up to which an organisation was connected; Infinity while it is. */
  readonly #connectedUntil = new Map<string, number>();
  readonly #leftAt = new Map<string, Instant>();
  #writes = 0;
  #restoredAt = Number.NEGATIVE_INFINITY;
  #deniedAt = Number.NEGATIVE_INFINITY;

  constructor(context: SimContext, { isFleet }: { readonly isFleet: boolean }) {
    this.#context = context;
    this.#isFleet = isFleet;
    context.store.onCommit({ after: (transaction, verdict) => this.#look(transaction, verdict) });
  }

  /** Every grant as it is. */
  images(): ReadonlyMap<GrantKey, GrantFields> {
    return this.#images;
  }

  /** Its circuit is open, or it has suspects: then each sweep looks at the provider, whatever is due. */
  isProviderWatched(): boolean {
    for (const { status } of this.#images.values()) if (status === 'suspect') return true;
    return this.isCircuitOpen();
  }

  isCircuitOpen(): boolean {
    for (const { pk, circuit } of this.#context.store.each('grants')) {
      if (String(pk).startsWith('PROVIDER#') && circuit !== undefined) return true;
    }
    return false;
  }

  /** The tables are being set back: what users have done since is forgotten. */
  restored(): void {
    this.#restoredAt = this.#context.scheduler.now();
  }

  restoredAt(): Instant {
    return this.#restoredAt;
  }

  /** The provider refuses good tokens until then. */
  denied(untilAt: Instant): void {
    this.#deniedAt = Math.max(this.#deniedAt, untilAt);
  }

  wasDenied(): boolean {
    return this.#deniedAt > Number.NEGATIVE_INFINITY;
  }

  /**
   * Now begins a read for the organisation; answers what to ask at its end: whether it was connected at any time
   * since.
   */
  reading(organizationId: string): { isServable(): boolean } {
    const since = this.#writes;
    return { isServable: () => (this.#connectedUntil.get(organizationId) ?? -1) >= since };
  }

  isConnected(organizationId: string): boolean {
    return this.#connectedUntil.get(organizationId) === Number.POSITIVE_INFINITY;
  }

  /** When the organisation was last served by the subject's grant, and then no more. */
  leftAt(organizationId: string, subject: string): Instant | undefined {
    return this.#leftAt.get(`${organizationId} ${subject}`);
  }

  /** Some organisation holds the company. */
  isClaimed(tenantId: string): boolean {
    const claim = `CLAIM#${this.#context.providerId}#${tenantId}`;
    for (const { pk } of this.#context.store.each('connections')) if (pk === claim) return true;
    return false;
  }

  #look(transaction: Transaction, { committed }: Verdict): void {
    this.#context.tell(() => `${committed ? 'wrote' : 'refused'} ${describe(transaction)}`);
    if (!committed) return;
    this.#writes += 1;
    for (const brought of broughtBy(transaction)) this.#context.onPlain('store', brought);
    this.#noteRows(transaction);
    this.#noteConnections(transaction);
    this.#noteProvider(transaction);
    for (const key of grantsIn(transaction)) this.#lookAt(key, transaction);
  }

  #lookAt(key: GrantKey, transaction: Transaction): void {
    const { situations, index } = this.#context;
    const before = this.#images.get(key);
    const after = this.#isFleet ? workedOut(key, before, transaction) : this.#grantOf(key);
    if (after === undefined) return void this.#images.delete(key);
    this.#images.set(key, after);
    if (!this.#isFleet) index.changed(before, after);
    this.#noteTokens(after);
    for (const member of before?.orgs ?? []) if (!after.orgs?.has(member)) this.#noteLeft(member, after);
    if (transaction.token.startsWith(PLANTED)) return;
    const change = {
      before,
      after,
      transaction,
      rows: rowsIn(transaction),
      isResealed: this.#isResealed(before, after),
    };
    this.#judge(change);
    for (const situation of situationsOf(change)) situations.saw(situation);
  }

  #judge(change: GrantChange): void {
    const problem = brokenBy(change, this.#truthAbout(change.after));
    if (problem !== undefined) this.#context.fail(`${problem} (${change.after.pk})`);
  }

  #truthAbout(after: GrantFields): Truth {
    const { provider, custody, cipher, scheduler } = this.#context;
    const now = scheduler.now();
    const good = provider.valid(after.subject).map(({ value }) => value);
    const current = after.current === undefined ? undefined : cipher.peek(after.current);
    const suspendedAt = provider.suspendedAt(after.subject);
    return {
      now,
      hasGoodToken: good.some((value) => custody.isStored(value) || custody.isQueued(value) || custody.isComing(value)),
      hasGoodCurrent: current !== undefined && good.includes(current),
      wasDenied: now - Math.max(this.#deniedAt, suspendedAt) < DENIAL_MS,
      wasSuspended: suspendedAt >= (after.rejections?.firstAt ?? now),
      hasRow: (id) => this.#rows.has(id),
    };
  }

  #isResealed(before: GrantFields | undefined, after: GrantFields): boolean {
    const { provider, cipher } = this.#context;
    if (before?.current === undefined || after.current === undefined || before.current === after.current) return false;
    return provider.rotation === 'reusable' && cipher.peek(before.current) === cipher.peek(after.current);
  }

  /** Items in the store are replaced and never changed, so that one may be looked at without a copy. */
  #grantOf(key: GrantKey): GrantFields | undefined {
    for (const item of this.#context.store.each('grants')) if (item.pk === key) return item as unknown as GrantFields;
    return undefined;
  }

  #noteTokens(after: GrantFields): void {
    const { cipher, custody } = this.#context;
    const sealed = [...(after.current === undefined ? [] : [after.current]), ...Object.values(after.held)];
    const values = new Set(sealed.flatMap((token) => cipher.peek(token) ?? []));
    custody.stored(after.subject, { values, isLiving: isLivingRecord(after) });
  }

  #noteLeft(organizationId: string, { subject }: GrantFields): void {
    this.#leftAt.set(`${organizationId} ${subject}`, this.#context.scheduler.now());
  }

  #noteRows(transaction: Transaction): void {
    for (const { sk } of rowsIn(transaction)) {
      this.#rows.add(sk);
      this.#rows.add(sk.slice(sk.indexOf('#') + 1, sk.lastIndexOf('#')));
    }
  }

  #noteProvider({ writes }: Transaction): void {
    const { situations } = this.#context;
    for (const write of writes) {
      if (write.op !== 'update' || !write.key.pk.startsWith('PROVIDER#')) continue;
      const set: Readonly<Record<string, unknown>> = write.set ?? {};
      if (set.observedAt !== undefined) situations.saw('observed');
      if (set.frozen === true) situations.saw('verdicts_frozen');
    }
  }

  #noteConnections({ writes }: Transaction): void {
    for (const { table, key } of writes) {
      if (table !== 'connections' || !key.pk.startsWith('ORG#')) continue;
      for (const { pk, sk, status } of this.#context.store.each('connections')) {
        if (pk === key.pk && sk === key.sk) this.#noteConnection(key.pk.slice('ORG#'.length), status);
      }
    }
  }

  #noteConnection(organizationId: string, status: unknown): void {
    const isOver = status !== 'connected' && this.isConnected(organizationId);
    if (status === 'connected') this.#connectedUntil.set(organizationId, Number.POSITIVE_INFINITY);
    else if (isOver) this.#connectedUntil.set(organizationId, this.#writes);
    if (status === 'tenant_lost') this.#context.situations.saw('write_20_tenant');
  }
}

function workedOut(key: GrantKey, before: GrantFields | undefined, { writes }: Transaction): GrantFields | undefined {
  const write = writes.find((leg) => leg.key.pk === key);
  const item = write === undefined ? before : applied(write, before as Item | undefined);
  return item as GrantFields | undefined;
}
