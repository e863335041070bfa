import type { GrantKey } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { Policy } from '../../lib/service/policies.ts';
import type { ProviderKind } from './provider.ts';
import type { Rules } from './rules.ts';

/** What stays the same through one search. */
export interface Setting {
  readonly rules: Rules;
  readonly kind: ProviderKind;
  readonly provider: ProviderId;
  readonly policy: Policy;
  /** The grant everything is about. */
  readonly grant: GrantKey;
  readonly organizations: readonly string[];
  /** Flows that may come, in this order. */
  readonly flows: readonly Coming[];
  /** Lengths by which time may move on, in milliseconds. */
  readonly stepsMs: readonly number[];
  /**
   * A process stores its tokens, or puts them on the rescue queue, before its lease ends. Assumed only where a spent
   * token that is sent again ends the whole authorisation: of tokens that are nowhere but in a process nobody else
   * can know.
   */
  readonly isPrompt: boolean;
  /** What processes may be started: refreshes asked for by readers, and what the sweep finds due. */
  readonly starts: readonly ('refresh' | 'due')[];
}

/** A connect flow, for which organisation and which company. */
export interface Coming {
  readonly flow: string;
  readonly organizationId: string;
  readonly tenant: string;
}
