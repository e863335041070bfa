import type { Tenant } from '../../lib/domain/flow.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import type { Clock } from '../../lib/service/ports.ts';
import type { MemoryStore } from '../support/memory-store.ts';
import type { SimCipher } from './cipher.ts';
import type { ClientSecret } from './client-secret.ts';
import type { Custody } from './custody.ts';
import type { Network, ProviderRequest } from './network.ts';
import type { SimPorts } from './ports.ts';
import type { Process } from './process.ts';
import type { Authorising } from './processes.ts';
import type { SimProvider } from './provider.ts';
import type { Random } from './random.ts';
import type { RescueLine } from './rescue-line.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sightings } from './situations.ts';
import type { DueIndex } from './store.ts';
import type { Weather } from './weather.ts';

/**
 * A weakened design, to prove that the checks catch it: changes what a process is about to commit, or one of its
 * ports. The real design is the empty mutant.
 */
export interface Mutant {
  readonly name?: string;
  transaction?(transaction: Transaction, process: Process): Transaction;
  ports?(ports: SimPorts, process: Process): SimPorts;
}

/** What the parts of a world know of each other. */
export interface SimContext {
  readonly providerId: ProviderId;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly store: MemoryStore;
  readonly index: DueIndex;
  readonly cipher: SimCipher;
  readonly provider: SimProvider;
  readonly custody: Custody;
  readonly network: Network;
  readonly line: RescueLine;
  readonly client: ClientSecret;
  readonly situations: Sightings;
  readonly mutant: Mutant;
  /** Subjects whose requests the provider fails, and theirs alone. */
  readonly poisoned: Set<string>;
  /** A process's own clock. */
  clockOf(process: Process): Clock;
  /** A ULID by the clock of the process. */
  newId(process: Process): string;
  /** Who authorises what with this code. */
  authorisationOf(code: string): readonly [subject: string, tenant: Tenant];
  /** Header of a 429, if it has one. */
  retryAfter(): string | undefined;
  /** The write that the process has just made was made, and it shall not learn of it. */
  losesAnswer(process: Process): boolean;
  /** A token that has been issued before. */
  isKnown(value: string): boolean;
  fail(what: string): void;
  tell(what: () => string): void;
  /** A request leaves while these of the same subject are under way. */
  onSend(request: ProviderRequest, others: readonly ProviderRequest[]): void;
  /** The provider is about to answer a refresh with this token. */
  onRefreshed(value: string, process: Process): void;
  /** The grant's record has it as its current one. */
  isCurrent(subject: string, value: string): boolean;
  onThrown(error: unknown): void;
  /** How far the clock of a new process is off. */
  skew(): number;
  newWorldId(): string;
  issueCode(who: Authorising): string;
  onCommitted(process: Process, transaction: Transaction): void;
  /** Something leaves for a place where no plaintext may be. */
  onPlain(place: 'store' | 'queue' | 'log', what: unknown): void;
}
