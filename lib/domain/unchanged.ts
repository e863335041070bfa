import type { Grant } from './grant.ts';
import { dueAtIs, generationIs, numberIs, owesAsRead, statusIs, tokenVersionIs } from './grant-conditions.ts';
import type { Condition } from './write.ts';

/**
 * The grant is as it was read, in everything that connect and disconnect derive their writes from. Whoever takes a lease
 * raises `number`; whoever reports or adds a duty moves `dueAt`; whoever links or leaves changes the count of `orgs`. So a
 * `dueAt` computed from the image read never overwrites a more urgent one.
 */
export function unchanged(grant: Grant): Condition[] {
  return [
    generationIs(grant.generation),
    numberIs(grant.number),
    tokenVersionIs(grant.tokenVersion),
    statusIs(grant.status),
    dueAtIs(grant),
    ...owesAsRead(grant),
  ];
}
