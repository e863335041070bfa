import type { Authorization } from '../../lib/domain/bank-decision.ts';
import type { Issued } from '../../lib/domain/commit-decision.ts';
import type { Flow } from '../../lib/domain/flow.ts';
import type { Attempt, Grant, Instant } from '../../lib/domain/grant.ts';
import type { ProviderState } from '../../lib/domain/provider-state.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import type { Item } from '../support/memory-items.ts';
import { idOf, intern, remembered } from './intern.ts';
import type { Remote } from './provider.ts';

/**
 * What the search abstracts from, and where it is harsher than the world:
 * - A store that does not answer is a process that is slow: it is nowhere, or its write was made and it repeats it.
 * Repeats are   judged by their conditions alone, as if idempotency tokens were forgotten at once. Reads are
 * consistent; audit rows are   demanded of each transition, and asked for what has been stored, but their table never
 * fails.
 * - Time moves in the few lengths a configuration names. Nothing that has a request at the provider under way
 * outlives its lease;   what has been answered may, up to 30 minutes.
 * - A request that was cut off may still arrive, until its lease ends.
 * - Processes end at once and start at any time: whoever asks, or when the grant is due.
 */

/**
 * Everything there is at one moment: the clock, what is stored, the provider, the processes and how many faults may
 * still come. A state of the search. Nothing in it is ever changed; every member is interned.
 */
export interface World {
  readonly now: Instant;
  /** Items by table and key. */
  readonly store: Readonly<Record<string, Item>>;
  readonly remote: Remote;
  readonly workers: readonly Worker[];
  /** Messages on the rescue queue, in no order. */
  readonly queue: readonly RescueMessage[];
  readonly left: Budget;
  /** Attempts and flows whose tokens have been stored, as the audit tells. */
  readonly stored: readonly string[];
  /** ULIDs drawn so far for generations and links. */
  readonly drawn: number;
  /** What went wrong on the way here. */
  readonly problem?: string;
}

/** What may still happen. Each is a number of times; a configuration sets where they start. */
export interface Budget {
  /** Leases taken. */
  readonly attempts: number;
  /** Processes that die. */
  readonly crashes: number;
  /** Answers of the provider that do not arrive, and requests it fails. */
  readonly answers: number;
  /** Writes that are made, but whose answer does not arrive: the process repeats them. */
  readonly writes: number;
  /** Tokens put on the rescue queue because the store does not answer. */
  readonly rescues: number;
  /** Rescue messages that are delivered once more. */
  readonly repeats: number;
  /** Attempts that fail before anything is sent. */
  readonly unsent: number;
  /** The provider begins to answer invalid_grant to everything. */
  readonly outages: number;
  /** The user takes the app off. */
  readonly revocations: number;
  /** Users who come back with a code. */
  readonly flows: number;
  /** Disconnects asked for. */
  readonly disconnects: number;
  /** Looks of the sweep at suspects and queues. */
  readonly looks: number;
  /** Refreshes of other grants that succeed. */
  readonly successes: number;
  /** Steps of time, by length. */
  readonly steps: Readonly<Record<string, number>>;
}

export interface Worker {
  /** For the trace; processes that are at the same point are the same. */
  readonly name: string;
  readonly state: State;
}

/** The grant under an attempt of ours. */
export interface Lease {
  readonly grant: Grant;
  readonly attempt: Attempt;
}

/** Where a process is, and all that it knows. */
export type State =
  | { readonly at: 'idle' }
  /** Has read the grant and goes to take the lease. */
  | { readonly at: 'read'; readonly grant: Grant; readonly wish: Wish }
  /** The lease is written, but the answer did not come. */
  | ({ readonly at: 'taking'; readonly transaction: Transaction } & Lease)
  /** Looks whether tokens of an attempt in doubt may be on their way, before it sends a token that may be spent. */
  | ({ readonly at: 'asking'; readonly isQueueEmpty: boolean; readonly proof?: ProviderState } & Lease)
  /** Holds the lease and sends token number `tried`; until an answer is there the request counts as under way. */
  | ({ readonly at: 'armed'; readonly tried: number; readonly proof?: ProviderState } & Lease)
  | {
      readonly at: 'committing';
      readonly issued: Issued;
      readonly image: Grant;
      readonly repeat?: Transaction;
      readonly queued: boolean;
    }
  | ({
      readonly at: 'reporting';
      readonly outcome: 'NOT_SENT' | 'UNKNOWN' | 'THROTTLED';
      readonly answer?: 'complete' | 'cut';
    } & Lease)
  | ({ readonly at: 'rejected'; readonly proof?: ProviderState } & Lease)
  | DutyState
  | ConnectState
  | { readonly at: 'disconnecting'; readonly organizationId: string; readonly transaction: Transaction }
  | { readonly at: 'looking'; readonly rescues: number; readonly since: Instant; readonly seen?: ProviderState }
  | { readonly at: 'noting'; readonly sentAt: Instant }
  | { readonly at: 'rescuing'; readonly message: RescueMessage; readonly image: Grant | undefined };

export type Wish = 'refresh' | 'due';

/** A duty under its lease: what has been sent, and what is next. */
export type DutyState =
  | ({ readonly at: 'revoking'; readonly sent: number } & Lease)
  | ({ readonly at: 'closing' } & Lease)
  | ({
      readonly at: 'detaching';
      readonly next: string;
      readonly rest: readonly string[];
      readonly stage: 'claim' | 'send' | 'write';
      readonly isClaimed: boolean;
    } & Lease)
  | ({ readonly at: 'finishing' } & Lease)
  | ({ readonly at: 'releasing' } & Lease);

/** A connect flow in the hands of finish-connect. */
export type ConnectState =
  | { readonly at: 'holding'; readonly flow: Flow }
  /** `held`: the closing grant whose revocation is held off. */
  | { readonly at: 'arming'; readonly flow: Flow; readonly held?: Lease }
  | { readonly at: 'exchanging'; readonly flow: Flow; readonly generation: string; readonly held?: Lease }
  | {
      readonly at: 'banking';
      readonly flow: Flow;
      readonly authorization: Authorization;
      readonly image?: Grant;
      readonly repeat?: Transaction;
      readonly queued: boolean;
      /** What the provider calls the app's connection to the company, where it lists companies. */
      readonly connectionId?: string;
    }
  | { readonly at: 'banked'; readonly flow: Flow; readonly connectionId?: string }
  | { readonly at: 'linking'; readonly flow: Flow; readonly transaction: Transaction; readonly connectionId?: string };

/** What one step of one process, or of the world around them, leads to. */
export interface Step {
  /** Who did what, for the trace. */
  readonly label: string;
  readonly world: World;
}

/** The attempt has not been reported, on the grant it was taken on. */
export function isRunning(image: Grant | undefined, { grant, attempt }: Lease): image is Grant {
  if (image?.attempt?.id !== attempt.id || image.attempt.outcome !== undefined) return false;
  return image.generation === grant.generation;
}

/** Equal for worlds that differ at most in which of several like processes does what. */
export function keyOf(world: World): string {
  const workers = world.workers.map(({ state }) => idOf(state)).sort((a, b) => a - b);
  const queue = world.queue.map(idOf).sort((a, b) => a - b);
  const { now, store, remote, left, drawn } = world;
  return [now / 1000, idOf(store), idOf(remote), workers, queue, idOf(left), drawn, asked(world)].join(';');
}

/** Of what has been stored, all that anybody may still ask for. */
function asked({ stored, workers, queue }: World): readonly string[] {
  if (stored.length === 0) return stored;
  const ids = new Set(queue.map(idOfMessage));
  for (const { state } of workers) {
    if (state.at === 'committing') ids.add(state.issued.attemptId);
    if (state.at === 'banking') ids.add(state.authorization.attemptId);
    if (state.at === 'rescuing') ids.add(idOfMessage(state.message));
  }
  return stored.filter((id) => ids.has(id)).sort();
}

/** The attempt or flow that the tokens of a message came from. */
export function idOfMessage(message: RescueMessage): string {
  return message.kind === 'bank' ? message.authorization.attemptId : message.issued.attemptId;
}

/** The world with one less of `what` to come. */
export function spent(world: World, what: Exclude<keyof Budget, 'steps'>): World {
  return { ...world, left: lessOf(world.left, what) };
}

const lessOf = remembered(
  (left: Budget, what: Exclude<keyof Budget, 'steps'>): Budget => intern({ ...left, [what]: left[what] - 1 }),
);

export const IDLE: State = intern({ at: 'idle' });

/** The main grant as stored. */
export function grantOf(world: World, key: string): Grant | undefined {
  return world.store[`grants/${key}`] as Grant | undefined;
}
