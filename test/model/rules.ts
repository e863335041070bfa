import { acquired, decideAcquire } from '../../lib/domain/acquire-decision.ts';
import { decideBank } from '../../lib/domain/bank-decision.ts';
import { decideSuccess } from '../../lib/domain/circuit.ts';
import { decideCommit } from '../../lib/domain/commit-decision.ts';
import { decideDisconnect } from '../../lib/domain/disconnect-decision.ts';
import {
  decideAbandon,
  decideClose,
  decideDetached,
  decideRelease,
  decideStartClosing,
} from '../../lib/domain/duty-decision.ts';
import { decideAdvance } from '../../lib/domain/flow-decision.ts';
import { decideNeedsReauth, mayGiveUp, reasonOf } from '../../lib/domain/give-up-decision.ts';
import { heldToTry } from '../../lib/domain/held.ts';
import { decideLink } from '../../lib/domain/link-decision.ts';
import { nextAction } from '../../lib/domain/next-action.ts';
import { decideObservation } from '../../lib/domain/observe-decision.ts';
import { decideReport } from '../../lib/domain/report-decision.ts';
import { decideSuspect } from '../../lib/domain/suspect-decision.ts';
import { decideRepair, decideTenantsChecked, decideWarn } from '../../lib/domain/upkeep-decision.ts';
import { intern, remembered } from './intern.ts';

/**
 * All rules that the search is about: the real decision functions, and those that processes keep between them. A
 * weakened design is this table with one entry changed.
 */
export const REAL = {
  acquire: decideAcquire,
  acquired,
  report: decideReport,
  commit: decideCommit,
  suspect: decideSuspect,
  mayGiveUp,
  reasonOf,
  needsReauth: decideNeedsReauth,
  observe: decideObservation,
  success: decideSuccess,
  bank: decideBank,
  link: decideLink,
  disconnect: decideDisconnect,
  detached: decideDetached,
  release: decideRelease,
  close: decideClose,
  startClosing: decideStartClosing,
  advance: decideAdvance,
  repair: decideRepair,
  tenantsChecked: decideTenantsChecked,
  warn: decideWarn,
  abandon: decideAbandon,
  nextAction,
  heldToTry,

  /** Tokens whose lease is gone are stored all the same. */
  keepsTokensWithoutLease: true,
  /** A request that was not answered is not sent again under the same attempt. */
  sendsOnce: true,
  /** A refresh token that the provider returned as it was is sealed anew, under the attempt that used it. */
  sealsAnew: true,
  /** An error of the store is no verdict: the identical transaction is tried again. */
  repeatsWrites: true,
  /** A company that somebody holds is not taken off. */
  looksAtClaim: true,
  /** A token that was stored and spent since is not held again. */
  recallsStored: true,
  /** A reconnect on the grant that served before is one action on one item. */
  tellsSameGrant: true,
  /** Before a token that may be spent is sent again, the rescue queue is asked for its successor. */
  asksRescueQueue: true,
  /** A lease found written is ours only on the grant it was taken on. */
  looksAtNumber: true,
  /** The rescue of a token reads the grant and decides by what it finds. */
  rescuesByImage: true,
  /** A code is sent only while no revocation of the company's grant can be under way. */
  holdsRevocationOff: true,
};

export type Rules = typeof REAL;

/** The same rules, each question worked out once; equal transactions are one. */
export function rememberedRules(rules: Rules): Rules {
  const faster = Object.entries(rules).map(([name, rule]) => [
    name,
    typeof rule === 'function' ? rememberedRule(rule) : rule,
  ]);
  return Object.fromEntries(faster) as Rules;
}

function rememberedRule(rule: (...asked: never[]) => unknown): (...asked: unknown[]) => unknown {
  return remembered((...asked: unknown[]) => withOneTransaction(rule(...(asked as never[]))));
}

function withOneTransaction(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  if ('writes' in answer) return intern(answer);
  return 'transaction' in answer ? { ...answer, transaction: intern(answer.transaction as object) } : answer;
}
