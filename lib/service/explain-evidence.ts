import {
  DOUBT_MS,
  EVIDENCE_AFTER_MS,
  OBSERVED_MS,
  QUEUES_EMPTY_MS,
  REJECTED_FOR_MS,
  REJECTIONS_BEFORE,
  WITHOUT_EVIDENCE_MS,
} from '../domain/give-up-decision.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import { graceEndsAt } from '../domain/next-due.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import { timeText } from './time-text.ts';

/**
 * What is missing before the next rejection of a suspicious grant would be a verdict (protocol.md, write 9), each in a
 * sentence; empty when the next rejection decides. The rules are those of `mayGiveUp`; this only says them.
 */
export function missingEvidence(
  grant: Grant,
  state: ProviderState | undefined,
  { graceSeconds, now }: { readonly graceSeconds: number; readonly now: Instant },
): readonly string[] {
  return [...ofGrant(grant, graceSeconds, now), ...ofProvider(grant, state, now)];
}

function ofGrant(grant: Grant, graceSeconds: number, now: Instant): readonly string[] {
  const { count = 0, firstAt = now } = grant.rejections ?? {};
  const youngest = Math.max(0, ...Object.values(grant.doubts));
  const graceAt = graceEndsAt(grant, graceSeconds) ?? 0;
  return [
    ...(count < REJECTIONS_BEFORE ? [`${REJECTIONS_BEFORE + 1} rejections of all its tokens (so far ${count})`] : []),
    ...later('the first rejection a quarter of an hour ago, which is', firstAt + REJECTED_FOR_MS, now),
    ...later('every attempt that never reported settled, at the latest', youngest + DOUBT_MS, now),
    ...later('the provider’s grace for a lost answer over, which ends', graceAt, now),
  ];
}

function ofProvider(grant: Grant, state: ProviderState | undefined, now: Instant): readonly string[] {
  if (state?.observedAt === undefined || state.observedAt < now - OBSERVED_MS) {
    return ['a sweep that has looked at the provider within three minutes (are the refreshers paused?)'];
  }
  const { frozen, suspects = 0, queuesEmptySince } = state;
  const firstAt = grant.rejections?.firstAt ?? now;
  const hasOthers = (state.lastSuccessAt ?? 0) >= firstAt + EVIDENCE_AFTER_MS;
  return [
    ...(frozen === true ? [`fewer suspects: with ${suspects} of them no verdict is given on anybody`] : []),
    ...(queuesEmptySince === undefined
      ? ['empty rescue queues: tokens that wait there may be this one’s']
      : later('rescue queues seen empty for a minute, which is', queuesEmptySince + QUEUES_EMPTY_MS, now)),
    ...(hasOthers
      ? []
      : later(
          'another grant of this provider refreshed since the first rejection; without one it takes two hours, until',
          firstAt + WITHOUT_EVIDENCE_MS,
          now,
        )),
  ];
}

function later(what: string, at: Instant, now: Instant): readonly string[] {
  return at > now ? [`${what} ${timeText(at, now)}`] : [];
}
