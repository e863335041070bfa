import type { GrantFields, HeldToken } from '../../lib/domain/grant.ts';
import type { Condition, Transaction, Write } from '../../lib/domain/write.ts';
import type { Configuration } from './configurations.ts';
import type { Rules } from './rules.ts';

/**
 * A design with one rule left out. The search has to find where it loses a grant, or a check of it would be worth
 * nothing. What a rule says is data, so it is left out of what the real decision returns.
 */
export interface Mutant {
  readonly id: string;
  /** The rule that is kept, in one sentence. */
  readonly rule: string;
  /** Name of the configuration in which leaving it out shows. */
  readonly configuration: string;
  /** What its counterexample has no need of. */
  readonly without?: readonly (keyof Configuration['budget'])[];
  /** Its counterexample lies too deep for a small run. */
  readonly isSlow?: true;
  readonly weakened: Partial<Rules>;
}

type GrantUpdate = Extract<Write, { table: 'grants'; op: 'update' }>;
type Loose = {
  -readonly [K in 'set' | 'setEntries' | 'removeEntries']?: Readonly<Record<string, unknown>> | undefined;
} & { when?: readonly Condition[]; remove?: readonly string[] };

/** The transaction with its update of a grant changed. */
export function altered(transaction: Transaction, change: (update: GrantUpdate) => Loose): Transaction {
  const writes = transaction.writes.map((leg) =>
    leg.table === 'grants' && leg.op === 'update' ? ({ ...leg, ...change(leg as GrantUpdate) } as Write) : leg,
  );
  return { ...transaction, writes };
}

export function fieldsOf(update: GrantUpdate): Partial<GrantFields> {
  return (update.set ?? {}) as Partial<GrantFields>;
}

export function withSet(update: GrantUpdate, values: Readonly<Record<string, unknown>>): Loose {
  return { set: { ...(update.set as object), ...values } };
}

export function withoutSet(update: GrantUpdate, names: readonly string[]): Loose {
  return { set: Object.fromEntries(Object.entries(update.set ?? {}).filter(([name]) => !names.includes(name))) };
}

/** Without the conditions on these attributes. */
export function unless(update: GrantUpdate, names: readonly string[]): Loose {
  const isOn = (condition: Condition): boolean => {
    if ('anyOf' in condition) return condition.anyOf.some(isOn);
    if ('allOf' in condition) return condition.allOf.some(isOn);
    return names.includes(condition.path.join('.'));
  };
  return { when: update.when.filter((condition) => !isOn(condition)) };
}

/** Without holding what was current. */
export function withoutDisplaced(update: GrantUpdate): Loose {
  const { held } = (update.setEntries ?? {}) as { readonly held?: Readonly<Record<string, HeldToken>> };
  const kept = Object.fromEntries(Object.entries(held ?? {}).filter(([, { why }]) => why !== 'displaced'));
  return { setEntries: { ...(update.setEntries as object), held: kept } };
}

/** Without one condition of the leg that checks what is known of the provider. */
export function withoutProof(transaction: Transaction, name: string): Transaction {
  const writes = transaction.writes.map((leg) =>
    leg.op === 'check'
      ? ({ ...leg, when: leg.when.filter((each) => !('path' in each) || each.path[0] !== name) } as Write)
      : leg,
  );
  return { ...transaction, writes };
}
