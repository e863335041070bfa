import type { AuditEvent } from '../../lib/domain/audit.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { MINUTE } from '../support/grants.ts';
import { rowsIn } from './changes.ts';
import type { SimContext } from './context.ts';
import type { ProviderRequest } from './network.ts';
import { freeze, type Process } from './process.ts';

/** Longer than any lease (125 s and the slack of its taker). */
const FROZEN_MS = [130_000, 200_000, 270_000, 50 * MINUTE] as const;
const THAWED_AFTER_MS = [MINUTE, 5 * MINUTE] as const;
const THAWED_FOR_MS = 10_000;

const STORED: ReadonlySet<AuditEvent> = new Set(['attempt.ok', 'attempt.superseded', 'attempt.late', 'grant.banked']);

/** What befalls processes, and what each request and write is held against as it happens. */
export function createFaults(context: SimContext) {
  const { scheduler, weather, random, situations, provider } = context;

  function stop(process: Process, situation: string): void {
    situations.saw(situation);
    context.tell(() => `${process.name} is frozen`);
    freeze(process, scheduler.now(), random.pick(FROZEN_MS));
  }
  scheduler.onGate((process) => {
    if (weather.isFair()) return undefined;
    if (weather.strikes('crash')) {
      situations.saw(context.custody.isCarrying(process) ? 'crash_carrying_tokens' : 'crash');
      return 'kill';
    }
    if (process.wasFrozen) return undefined;
    if (weather.strikes('freeze')) stop(process, 'frozen_beyond_lease');
    else if (process.hasAnswer && weather.strikes('freezeCarrying')) stop(process, 'frozen_carrying_tokens');
    return undefined;
  });
  // A sandbox keeps whatever its function has not waited for, and goes on with it at its next invocation.
  scheduler.onLeftover((process) => {
    if (!weather.strikes('thaw')) return undefined;
    situations.saw('thawed_after_its_end');
    context.tell(() => `${process.name} thaws`);
    return { afterMs: random.pick(THAWED_AFTER_MS), forMs: THAWED_FOR_MS };
  });

  return {
    /**
     * I4: under a live lease at most one request of a grant is at the provider. Nothing can be asked of a frozen
     * process.
     */
    onSend(request: ProviderRequest, others: readonly ProviderRequest[]): void {
      if (request.wasStale) return;
      const other = others.find(({ wasStale, process }) => !wasStale && !process.wasFrozen);
      if (other === undefined) return;
      context.fail(`I4: ${request.process.name} sends for ${request.subject} while ${other.process.name} does`);
    },
    onRefreshed(value: string, process: Process): void {
      const subject = provider.ownerOf(value);
      if (subject === undefined) return;
      const isCurrent = context.isCurrent(subject, value);
      if (!isCurrent && provider.valid(subject).some((token) => token.value === value))
        situations.saw('saved_by_held_token');
      const token = provider.token(value);
      if (provider.rotation !== 'family' || token?.spentAt === undefined || !token.family.isAlive) return;
      context.custody.punished(token.family, process);
    },
    onCommitted(process: Process, transaction: Transaction): void {
      if (process.hasAnswer && rowsIn(transaction).some(({ event }) => STORED.has(event))) process.hasAnswer = false;
    },
  };
}
