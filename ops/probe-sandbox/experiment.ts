import type { ProviderDescriptor } from '../../lib/providers/descriptor.ts';
import type { Authorisation } from './authorisation.ts';
import type { Lab } from './lab.ts';
import { isAnswered, isOk, isRejected, type Seen } from './seen.ts';

/** What whoever runs the probe chose. */
export interface ProbeOptions {
  /** How many hours may be waited for something to happen; 0: not at all. */
  readonly waitHours: number;
  /** After how many minutes a code is exchanged; 0: that is not asked. */
  readonly codeAgeMinutes: number;
  /** The second authorisation is another administrator's. */
  readonly otherUser: boolean;
}

/**
 * When an experiment is done: before anybody agreed to anything; with an authorisation that it leaves alive; or last, because
 * it may end one.
 */
export type Phase = 'keys' | 'harmless' | 'ending';

/** What we rely on: confirmed, contradicted, or not decided by what was seen. */
export type Verdict = 'confirmed' | 'contradicted' | 'open';

export interface Judgement {
  readonly answer: string;
  readonly ours: readonly { readonly assumption: string; readonly verdict: Verdict }[];
}

/** The answers to each step that was made. */
export type Evidence<S extends string> = Readonly<Partial<Record<S, Seen>>>;

/** One question: what is done about it, and what the answers mean. */
export interface Experiment<S extends string = string> {
  readonly id: string;
  /** With its number in the list of open questions. */
  readonly question: string;
  readonly does: string;
  readonly phase: Phase;
  /** Somebody has to agree once more; others ask only when no authorisation is alive. */
  readonly needsConsent: boolean;
  /** Why it is not done with these options. */
  leftOut?(options: ProbeOptions): string | undefined;
  /** Makes the steps and tells each. Throws `NotDone` when it cannot be done. */
  run(lab: Lab, observe: (step: S, seen: Seen) => void, options: ProbeOptions): Promise<void>;
  /** Pure. */
  judge(evidence: Evidence<S>, descriptor: ProviderDescriptor, options: ProbeOptions): Judgement;
}

/** The question stays open in this run; the message says why. */
export class NotDone extends Error {}

/** An authorisation that is alive; somebody may be asked for one. Throws `NotDone` when there is none then. */
export async function aliveIn(lab: Lab): Promise<Authorisation> {
  const alive = await lab.needAlive();
  if (alive === undefined) throw new NotDone('there is no authorisation that is alive');
  return alive;
}

/** Keeps the names of the steps together; afterwards it is an experiment like any other. */
export function defineExperiment<const S extends string>(experiment: Experiment<S>): Experiment {
  return experiment;
}

/** `undefined`: the answers do not tell. */
export function verdictOf(holds: boolean | undefined): Verdict {
  if (holds === undefined) return 'open';
  return holds ? 'confirmed' : 'contradicted';
}

/** The same of an answer that says something about what was sent; without one it is open. */
export function verdictOn(seen: Seen | undefined, holds: (answer: Seen) => boolean): Verdict {
  return isAnswered(seen) ? verdictOf(holds(seen)) : 'open';
}

/** Whether it was taken (true), refused as not good any more (false), or neither. */
export function takenOf(seen: Seen | undefined): boolean | undefined {
  if (isOk(seen)) return true;
  return isRejected(seen) ? false : undefined;
}

/** Status and error, for an answer's text. */
export function briefly(seen: Seen | undefined): string {
  if (seen === undefined) return 'nothing';
  const status = seen.status === undefined ? `no complete answer (${seen.failure})` : String(seen.status);
  const fault = seen.fault?.code === undefined ? '' : ` fault ${seen.fault.code}`;
  return `${status}${seen.error === undefined ? '' : ` ${seen.error}`}${fault}`;
}
