import type { Mutant } from './mutant.ts';
import { OF_CONNECT } from './mutants-of-connect.ts';
import { OF_GIVING_UP } from './mutants-of-giving-up.ts';
import { OF_REFRESH } from './mutants-of-refresh.ts';

/** All weakened designs. */
export const MUTANTS: readonly Mutant[] = [...OF_REFRESH, ...OF_GIVING_UP, ...OF_CONNECT];
