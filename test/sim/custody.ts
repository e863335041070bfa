import type { Instant } from '../../lib/domain/grant.ts';
import { MINUTE } from '../support/grants.ts';
import { isGoing, type Process } from './process.ts';
import { type Family, GRACE_MS, type IssuedToken, type SimProvider } from './provider.ts';
import { onItsWay, type Unavoidable, type Whereabouts } from './whereabouts.ts';

/** What the record of a grant has. */
interface Holdings {
  readonly values: ReadonlySet<string>;
  /** The grant is neither closing nor closed: it has something to lose. */
  readonly isLiving: boolean;
}

/** A grant whose provider accepts nothing that anybody has. */
export interface Loss {
  readonly subject: string;
  readonly token: string;
  /** Undefined: somebody should have saved it. */
  readonly cause: Unavoidable | undefined;
}

interface Watched {
  readonly provider: SimProvider;
  readonly now: () => Instant;
  /** How long of the time since then whatever a recovery needs was out of order. */
  readonly hinderedMs: (since: Instant) => number;
  /** How long of the time since then nothing could be queued. */
  readonly queueDownMs: (since: Instant) => number;
  readonly onLoss: (loss: Loss) => void;
}

/** Two seconds (lib/service/escrow.ts), and some tries of a queue that fails now and then. */
const QUEUED_BY_MS = 5_000;
/** What has not been heard of for so long is not waited for with a verdict (protocol.md, write 9). */
const DOUBT_MS = 29 * MINUTE;
/**
 * A rescue is waited for so long before a token is sent again (lib/service/rescue-pending.ts), give or take two
 * clocks.
 */
const RESCUE_MS = 15 * MINUTE - 5_000;
/** Hindered for so much of the grace, a recovery cannot be asked for. */
const HINDERED_MS = GRACE_MS / 3;

/**
 * Where every refresh token is that the provider has issued: on the wire, in the hands of a process, on the rescue
 * queue or in the store. From this, and from what the provider would accept, follows whether a grant is lost (I2), and
 * by whose fault.
 */
export class Custody {
  readonly #watched: Watched;
  readonly #all = new Map<string, Whereabouts>();
  readonly #byCarrier = new Map<Process, Whereabouts[]>();
  readonly #holdings = new Map<string, Holdings>();
  /** Authorisations whose loss has been told. */
  readonly #counted = new Set<Family>();

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** The provider has issued it, in answer to that process. */
  issued(token: IssuedToken, carrier: Process): void {
    const each = onItsWay(token, carrier);
    this.#all.set(token.value, each);
    this.#byCarrier.set(carrier, [...this.#carriedBy(carrier), each]);
  }

  /** It was in the store from the start. */
  given(token: IssuedToken, carrier: Process): void {
    this.issued(token, carrier);
    this.#update(token.value, { wasSafe: true });
  }

  delivered(value: string): void {
    this.#update(value, { deliveredAt: this.#watched.now() });
  }

  lostOnWire(value: string): void {
    const each = this.#all.get(value);
    if (each === undefined || each.deliveredAt !== undefined) return;
    each.isLostOnWire = true;
    this.#check(each.token.family.subject);
  }

  /** The process has told that it could not store what it has (`TokenAtRisk`); whether nobody could have. */
  gaveUp(process: Process, isExcused: boolean): void {
    for (const each of this.#carriedBy(process)) if (!each.wasSafe) each.isGivenUp = isExcused;
  }

  ended(process: Process): void {
    for (const each of this.#carriedBy(process)) this.#check(each.token.family.subject);
  }

  /** A spent token was sent by `sender`, and the provider is about to end the whole family for it. */
  punished(family: Family, sender: Process): void {
    const newest = this.#all.get(family.newest.value);
    if (newest === undefined || this.#holdings.get(family.subject)?.isLiving !== true) return;
    this.#tell(newest, this.#punishedFor(newest, sender));
  }

  /** The record of the subject's grant has these tokens now. */
  stored(subject: string, now: Holdings): void {
    this.#holdings.set(subject, now);
    for (const value of now.values) this.#update(value, { wasSafe: true });
    this.#check(subject);
  }

  queued(value: string, by: 1 | -1): void {
    const each = this.#all.get(value);
    if (each === undefined) return;
    Object.assign(each, { queued: each.queued + by, wasSafe: true });
    this.#check(each.token.family.subject);
  }

  /** The tables are set back: whatever was issued until now may be gone, and what comes back may be spent. */
  restored(): void {
    for (const each of this.#all.values()) each.wasRestored = true;
  }

  /** A process has the only copy of something. */
  isCarrying(process: Process): boolean {
    return this.#carriedBy(process).some((each) => each.deliveredAt !== undefined && !each.wasSafe);
  }

  isStored(value: string): boolean {
    const each = this.#all.get(value);
    return each !== undefined && this.#isStored(each);
  }

  isQueued(value: string): boolean {
    return (this.#all.get(value)?.queued ?? 0) > 0;
  }

  /** It was in the store or on the queue, and no restore has taken it from there. */
  wasSafe(value: string): boolean {
    const each = this.#all.get(value);
    return each?.wasSafe === true && !each.wasRestored;
  }

  /**
   * A refresher has it or is about to get it, and has not been away for longer than a doubt is heeded. An exchange
   * leaves no doubt; its tokens make a grant active again that was given up a moment before.
   */
  isComing(value: string): boolean {
    const each = this.#all.get(value);
    if (each === undefined || each.token.before === undefined) return false;
    return this.#watched.now() - each.token.issuedAt < DOUBT_MS && isComing(each);
  }

  #update(value: string, changes: Partial<Whereabouts>): void {
    const each = this.#all.get(value);
    if (each !== undefined) Object.assign(each, changes);
  }

  #carriedBy(process: Process): readonly Whereabouts[] {
    return this.#byCarrier.get(process) ?? [];
  }

  #isStored({ token }: Whereabouts): boolean {
    return this.#holdings.get(token.family.subject)?.values.has(token.value) === true;
  }

  #check(subject: string): void {
    if (this.#holdings.get(subject)?.isLiving !== true) return;
    const places = this.#watched.provider.valid(subject).flatMap(({ value }) => this.#all.get(value) ?? []);
    if (places.length === 0) return;
    if (places.some((each) => this.#isStored(each) || each.queued > 0 || isComing(each))) return;
    const causes = places.map((each) => ({ each, cause: this.#causeOf(each) }));
    // What anybody could have saved, somebody should have saved.
    const worst = causes.find(({ cause }) => cause === undefined) ?? causes[0];
    if (worst !== undefined) this.#tell(worst.each, worst.cause);
  }

  #tell({ token: { family, value } }: Whereabouts, cause: Unavoidable | undefined): void {
    if (this.#counted.has(family)) return;
    this.#counted.add(family);
    this.#watched.onLoss({ subject: family.subject, token: value, cause });
  }

  #causeOf(each: Whereabouts): Unavoidable | undefined {
    const { provider, hinderedMs } = this.#watched;
    if (each.wasRestored) return 'restored';
    if (each.wasSafe) return undefined;
    if (each.isStale) return 'frozen';
    const { before, family } = each.token;
    if (provider.rotation === 'grace' && before?.spentAt !== undefined) {
      // The one before it was good for half an hour more.
      const lostMs = hinderedMs(before.spentAt) + provider.suspendedMs(family.subject, before.spentAt);
      return lostMs < HINDERED_MS ? undefined : 'grace_missed';
    }
    if (each.isLostOnWire || each.deliveredAt === undefined) return 'answer_lost';
    if (each.isGivenUp) return 'all_stores_down';
    const hasDied = each.carrier.state === 'killed' || each.carrier.wasFrozen;
    return hasDied && !this.#hadTime(each, each.deliveredAt) ? 'process_died' : undefined;
  }

  /** It was in the hands of its process for so long that it should have been on the queue. */
  #hadTime({ carrier }: Whereabouts, deliveredAt: Instant): boolean {
    const { now, queueDownMs } = this.#watched;
    // Once frozen, it is past its deadlines.
    const carriedMs = Math.min(carrier.frozenAt ?? now(), carrier.endedAt ?? now()) - deliveredAt;
    return carriedMs - queueDownMs(deliveredAt) > QUEUED_BY_MS;
  }

  #punishedFor(newest: Whereabouts, sender: Process): Unavoidable | undefined {
    if (newest.wasRestored) return 'restored';
    if (sender.wasFrozen || (isComing(newest) && newest.carrier.wasFrozen)) return 'frozen';
    const hasWaited = newest.queued > 0 && this.#watched.now() - newest.token.issuedAt > RESCUE_MS;
    if (hasWaited) return 'queued_and_punished';
    return this.#isStored(newest) || newest.queued > 0 ? undefined : this.#causeOf(newest);
  }
}

function isComing({ carrier, isLostOnWire }: Whereabouts): boolean {
  return isGoing(carrier) && !isLostOnWire;
}
