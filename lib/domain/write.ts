import { createHash } from 'node:crypto';
import type { ApiKey } from './api-key.ts';
import type { AuditRow } from './audit.ts';
import type { Claim, Connection } from './connection.ts';
import type { Flow } from './flow.ts';
import type { GrantFields } from './grant.ts';
import type { TableName } from './names.ts';
import type { ProviderState } from './provider-state.ts';

/**
 * Writes as data. Decision functions return them, adapters carry them out: DynamoDB as one TransactWriteItems, the
 * in-memory store under one lock. Both pass the same contract suite, so a condition means the same in a simulation and on AWS.
 */

/** The record type of each table, with every attribute it may have. */
export interface Records {
  grants: GrantFields;
  connections: Connection | Claim;
  flows: Flow;
  apiKeys: ApiKey;
  audit: AuditRow;
}

export interface Key {
  readonly pk: string;
  readonly sk?: string;
}

/** An attribute, or an attribute of a map attribute: `['attempt', 'id']`. */
export type Path = readonly [string] | readonly [string, string];
export type Scalar = string | number | boolean;

export type Condition =
  | { readonly path: Path; readonly is: 'absent' | 'present' }
  | { readonly path: Path; readonly equals: Scalar }
  | { readonly path: Path; readonly oneOf: readonly Scalar[] }
  /** Present and smaller. */
  | { readonly path: Path; readonly below: number }
  /** Present and not greater. */
  | { readonly path: Path; readonly atMost: number }
  /** Present and not smaller. */
  | { readonly path: Path; readonly atLeast: number }
  /** A present map or set with that many entries. */
  | { readonly path: Path; readonly size: number }
  | { readonly anyOf: readonly Condition[] }
  | { readonly allOf: readonly Condition[] };

type EntriesOf<T> = { readonly [K in keyof T]?: Readonly<Record<string, unknown>> };

/** Changes to named attributes; everything else in the item stays as it is. */
export interface Change<T> {
  /** Whole attributes. An undefined value is not written. */
  readonly set?: { readonly [K in keyof T]?: T[K] };
  /** Entries of map attributes that exist already (`held`, `doubts`, `detach` always do). */
  readonly setEntries?: EntriesOf<T>;
  readonly remove?: readonly (keyof T & string)[];
  readonly removeEntries?: { readonly [K in keyof T]?: readonly string[] };
  /** Members of string sets; an absent set is created, an emptied one disappears. */
  readonly addMembers?: { readonly [K in keyof T]?: readonly string[] };
  readonly removeMembers?: { readonly [K in keyof T]?: readonly string[] };
}

export type WriteOn<N extends TableName, R = Records[N]> = {
  readonly table: N;
  readonly key: Key;
  readonly when: readonly Condition[];
} & (
  | { readonly op: 'put'; readonly item: R }
  | ({ readonly op: 'update' } & Change<R>)
  | { readonly op: 'delete' }
  | { readonly op: 'check' }
);

/** The grants table also holds the state of each provider. */
export type Write = { [N in TableName]: WriteOn<N> }[TableName] | WriteOn<'grants', ProviderState>;

/** One all-or-nothing write. `token` (≤ 36 characters) makes a repeat of the identical request harmless. */
export interface Transaction {
  readonly token: string;
  readonly writes: readonly Write[];
}

/** Names a leg whose condition did not hold, with the item as it was then. */
export interface FailedLeg {
  readonly index: number;
  readonly image?: unknown;
}

/** A failed condition is the only verdict; everything else a store meets is thrown and may be tried again. */
export type Verdict =
  | { readonly committed: true }
  | { readonly committed: false; readonly failed: readonly FailedLeg[] };

export const absent = (...path: Path): Condition => ({ path, is: 'absent' });
export const present = (...path: Path): Condition => ({ path, is: 'present' });
export const equals = (path: Path, value: Scalar): Condition => ({ path, equals: value });
export const oneOf = (path: Path, values: readonly Scalar[]): Condition => ({ path, oneOf: values });
export const below = (path: Path, value: number): Condition => ({ path, below: value });
export const atMost = (path: Path, value: number): Condition => ({ path, atMost: value });
export const atLeast = (path: Path, value: number): Condition => ({ path, atLeast: value });
export const hasSize = (path: Path, value: number): Condition => ({ path, size: value });
export const anyOf = (...conditions: readonly Condition[]): Condition => ({ anyOf: conditions });
export const allOf = (...conditions: readonly Condition[]): Condition => ({ allOf: conditions });

/** Puts an audit row unless it is there already. */
export function appendAudit(row: AuditRow): WriteOn<'audit'> {
  return { table: 'audit', key: { pk: row.pk, sk: row.sk }, when: [absent('pk')], op: 'put', item: row };
}

/** Idempotency token of a transaction: 32 characters from whatever tells it apart (attempt, variant, image it was decided on). */
export function transactionToken(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
}
