import type { AuditRow } from '../domain/audit.ts';
import type { Connection } from '../domain/connection.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import type { ProviderId } from '../domain/names.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import type { Policy } from './policies.ts';

/** Everything that is known of an organisation's connection to a system. */
export interface ExplainFacts {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly connection?: Connection | undefined;
  /** The grant of the connection. */
  readonly grant?: Grant | undefined;
  readonly state?: ProviderState | undefined;
  /** Of the organisation and of the grant, at this provider. */
  readonly rows: readonly AuditRow[];
  readonly policy: Policy;
  /** What an operator has stopped: the sweep, and the refreshes that readers start. */
  readonly paused: { readonly sweep: boolean; readonly refresh: boolean };
  readonly now: Instant;
}

/** In which situation a connection is, for programs. */
export type Situation =
  | 'unknown'
  | 'never_connected'
  | 'healthy'
  | 'refreshing'
  | 'backing_off'
  | 'circuit_open'
  | 'suspect'
  | 'needs_reauth'
  | 'tenant_lost'
  | 'disconnecting'
  | 'disconnected'
  /** The records contradict each other. */
  | 'inconsistent';

/** What is the case, and what follows. */
export interface Story {
  readonly situation: Situation;
  /** One sentence. */
  readonly headline: string;
  readonly why: readonly string[];
  readonly next: readonly string[];
  /** What an operator or the user can do; empty when there is nothing to be done. */
  readonly advice: readonly string[];
}

/** The newest row of an event. */
export function newest(rows: readonly AuditRow[], event: AuditRow['event']): AuditRow | undefined {
  const found = rows.filter((row) => row.event === event);
  return found.sort((a, b) => b.at - a.at)[0];
}

/** `1 rejection`, `2 rejections`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The company of a connection, for people. */
export function companyOf({ companyName, tenantId }: Connection): string {
  return companyName === undefined ? `company ${tenantId}` : `“${companyName}” (${tenantId})`;
}
