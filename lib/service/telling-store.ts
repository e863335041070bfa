import type { Grant } from '../domain/grant.ts';
import type { GrantKey } from '../domain/terms.ts';
import { eventsOf, factsOf, type GrantFacts } from '../domain/told-events.ts';
import type { Transaction, Verdict } from '../domain/write.ts';
import { grantImage } from './lease.ts';
import type { EmitEvent, Store } from './ports.ts';

/** More than one process works on between reading a grant and writing it; some 200 bytes each, and what is forgotten is not told. */
const MAX_REMEMBERED = 1_000;

/**
 * The same store, telling after each committed transaction what its audit rows say. Nothing is told of a failed condition, nor
 * of a commit whose answer was lost until the identical request is answered; so each transition is told at most once. What an
 * event says of a grant beside its row (whom it serves) is what was last read of it through this store.
 */
export function createTellingStore(store: Store, emit: EmitEvent): Store {
  const facts = createFactMemory();
  return {
    ...store,
    async readGrant(key) {
      const grant = await store.readGrant(key);
      quietly(() => facts.remember(grant));
      return grant;
    },
    async commit(transaction) {
      const verdict = await store.commit(transaction);
      quietly(() => (verdict.committed ? tell(transaction) : rememberImage(transaction, verdict)));
      return verdict;
    },
  };

  function tell(transaction: Transaction): void {
    for (const event of eventsOf(transaction, facts.recall)) emit(event);
  }

  /** Whoever decides again does so on the image that the failed condition showed, and does not read it. */
  function rememberImage(transaction: Transaction, verdict: Extract<Verdict, { committed: false }>): void {
    facts.remember(grantImage(transaction, verdict.failed));
  }
}

/** Whatever is wrong with the news must not make it look as if something had not been read or written. */
function quietly(task: () => void): void {
  try {
    task();
  } catch {
    // There is nobody to tell.
  }
}

function createFactMemory() {
  const known = new Map<GrantKey, GrantFacts>();
  return {
    recall: (key: GrantKey) => known.get(key),
    remember(grant: Grant | undefined): void {
      if (grant === undefined) return;
      known.delete(grant.pk);
      const [oldest] = known.keys();
      if (known.size >= MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
      known.set(grant.pk, factsOf(grant));
    },
  };
}
