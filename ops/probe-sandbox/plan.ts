import type { ProviderDescriptor } from '../../lib/providers/descriptor.ts';
import type { Authorisation } from './authorisation.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import { ProbeStop } from './wire.ts';

/** What is asked of one provider, and what must hold for that. */
export interface Plan {
  /** In the order in which they are done: first those that risk nothing. */
  readonly experiments: readonly Experiment[];
  /** Whom to authorise. */
  readonly where: string;
  /** How everything that was obtained is given back. */
  readonly revocation: { readonly encoding: 'json' | 'form'; readonly doneStatuses: readonly number[] };
  /** Looks whether an authorisation is a sandbox's. Throws `NotSandbox`. */
  check(lab: Lab, authorisation: Authorisation): Promise<void>;
}

/** Whether a disconnection is over and done with, by the descriptor. */
export function isDone({ doneStatuses }: ProviderDescriptor['disconnect'], status: number | undefined): boolean {
  return status !== undefined && doneStatuses.includes(status);
}

/** What was authorised may be somebody's real books: nothing more is done, not even given back. */
export class NotSandbox extends ProbeStop {}
