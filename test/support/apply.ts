import type { AuditRow } from '../../lib/domain/audit.ts';
import type { Grant, GrantFields } from '../../lib/domain/grant.ts';
import { absent, type Transaction } from '../../lib/domain/write.ts';
import { createMemoryStore } from './memory-store.ts';

export interface Applied {
  readonly committed: boolean;
  readonly grant: GrantFields;
  readonly audit: readonly AuditRow[];
}

/** Carries a decision out on a store that holds just the grant, and shows what is there afterwards. */
export async function apply(grant: Grant, transaction: Transaction): Promise<Applied> {
  const store = createMemoryStore();
  const item = grant as GrantFields;
  await store.commit({
    token: 'given',
    writes: [{ table: 'grants', key: { pk: grant.pk }, when: [absent('pk')], op: 'put', item }],
  });
  const verdict = await store.commit(transaction);
  const { grants, audit } = store.dump();
  return {
    committed: verdict.committed,
    grant: grants[0] as unknown as GrantFields,
    audit: audit as unknown as AuditRow[],
  };
}
