import type { Grant } from './grant.ts';
import { generationIs, numberIs, statusIs, tokenVersionIs } from './grant-conditions.ts';
import { absent, type Condition, equals, hasSize } from './write.ts';

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
    grant.dueAt === undefined ? absent('dueAt') : equals(['dueAt'], grant.dueAt),
    grant.orgs === undefined ? absent('orgs') : hasSize(['orgs'], grant.orgs.size),
  ];
}
