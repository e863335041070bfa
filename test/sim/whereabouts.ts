import type { Instant } from '../../lib/domain/grant.ts';
import type { Process } from './process.ts';
import type { IssuedToken } from './provider.ts';

/** Causes of a loss that nobody can do anything about; the provider had rotated, and… */
export type Unavoidable =
  /** …its answer never reached us, */
  | 'answer_lost'
  /** …whoever had the answer died before there was time to store or queue it, */
  | 'process_died'
  /** …store and queue both failed to the last second, */
  | 'all_stores_down'
  /** …whoever had the answer was frozen beyond its lease and the provider punished the retry, or he sent only then, */
  | 'frozen'
  /** …the rescue message with the answer lay there for a quarter of an hour, and the provider punished the retry, */
  | 'queued_and_punished'
  /** …and was out of reach for most of its grace. */
  | 'grace_missed'
  /** …and the tables were set back to a time before. */
  | 'restored';

/** Where one token is, and has been. */
export interface Whereabouts {
  readonly token: IssuedToken;
  /** Whom it was or is on its way to. */
  readonly carrier: Process;
  /** Its process had been frozen before it asked: others have gone on without it. */
  readonly isStale: boolean;
  /** When the process got it. */
  deliveredAt?: Instant;
  /** The answer will never come. */
  isLostOnWire: boolean;
  /** The process gave it up, having tried to the last second. */
  isGivenUp: boolean;
  /** It has been in the store or on the queue. */
  wasSafe: boolean;
  /** Messages on the rescue queue that have it. */
  queued: number;
  wasRestored: boolean;
}

/** A token that has just been issued, on its way. */
export function onItsWay(token: IssuedToken, carrier: Process): Whereabouts {
  return {
    token,
    carrier,
    isStale: carrier.wasFrozen,
    isLostOnWire: false,
    isGivenUp: false,
    wasSafe: false,
    queued: 0,
    wasRestored: false,
  };
}
