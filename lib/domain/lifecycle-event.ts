import type { ProviderId } from './names.ts';
import type { GrantKey, Instant, OutcomeKind } from './terms.ts';

/**
 * What happens to connections, told on an EventBridge bus to whoever listens (design §10). An event is news, the audit is the
 * record: each is told at most once by us, after what it tells of was written, and not at all when the process dies in between
 * or the bus does not take it. EventBridge may deliver one twice and in any order.
 */

/** EventBridge's `source` of all our events. */
export const EVENT_SOURCE = 'grantkeeper';

/** Raised when a field changes its meaning or goes; a new field, reason or type alone does not raise it. */
export const EVENT_VERSION = 1;

/** EventBridge's `detail-type` of each event. All have `provider`; what else they have stands with each. */
export const EVENT_TYPES = [
  /**
   * An organisation can be served: `organizationIds` (one), `grant`. `reason`: `linked` the first time, `linked_again` after
   * that (a reconnect, another user, after a disconnect), `company_found` when a lost company is listed again (no `grant`).
   */
  'Connection Created',
  /** A refresh succeeded and its tokens are stored: `grant`, `organizationIds`, `attemptId`, `tokenVersion`, from now on the current one. */
  'Token Refreshed',
  /**
   * The provider answered a refresh with another refresh token than was sent, and the new one is safe, in the store or on the
   * rescue queue: `grant`, `organizationIds`, `attemptId`, and as `tokenVersion` the one it was obtained under.
   */
  'Refresh Token Rotated',
  /**
   * A refresh ended without tokens and will be tried again: `grant`, `organizationIds`, `attemptId`, `outcome`, `reason`. Not
   * for the attempt that a verdict ends (`Connection Needs Reauth`), nor for one whose process died: nobody knows how it ended.
   */
  'Refresh Failed',
  /** The authorisation ends soon: `grant`, `organizationIds`, `reason` (`idle`, `hard`: see warnings.ts), `days` (90, 30, 7). */
  'Connection Near Expiry',
  /**
   * `grant`, `organizationIds`, `attemptId`, and as `reason` what has run out. `access_token`: a refresh failed after the access
   * token of a grant in use had run out, so that callers get none; once per outage, with the first attempt that fails after it.
   * `idle`, `hard`: the authorisation itself; told beside `Connection Needs Reauth`.
   */
  'Connection Expired',
  /**
   * Only its user can bring it back, by connecting: `organizationIds`, `reason`. A grant was given up on evidence (`grant`,
   * `attemptId`, and a reason of grant.ts), or the provider no longer lists a connection's company (`tenant_lost`). Should it
   * come back by itself, `Token Refreshed`, or `Connection Created` with `company_found`, tells so.
   */
  'Connection Needs Reauth',
  /** An organisation ended its connection; nothing is served any more: `organizationIds` (one), `grant` while that lived. */
  'Connection Disconnected',
  /**
   * Nothing is sent to the provider but probes. `reason`: `transient` (it does not answer), `throttled` (it answers 429 to
   * everybody), `config` (it refuses our client); told again when the reason of an open circuit changes.
   */
  'Circuit Opened',
  /** The provider is sent to again; `reason` as it had opened. */
  'Circuit Closed',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What is told on the bus: ids and codes only, no token, no name, no address. */
export interface LifecycleEvent {
  readonly type: EventType;
  /** When it happened, not when it was told. */
  readonly at: Instant;
  readonly provider: ProviderId;
  readonly grant?: GrantKey;
  /** Organisations the event concerns, as the function that tells it last read them: those that are served by the grant. */
  readonly organizationIds?: readonly string[];
  /** A word of ours or an RFC 6749 code: why. */
  readonly reason?: string;
  /** Of `Refresh Failed`: the class (design §5.3). */
  readonly outcome?: Exclude<OutcomeKind, 'OK'>;
  readonly attemptId?: string;
  readonly tokenVersion?: number;
  /** Of `Connection Near Expiry`: the warning level that was passed. */
  readonly days?: number;
}

/** The event's `detail`, as lifecycle-event.schema.json describes it. */
export type EventDetail = Omit<LifecycleEvent, 'type' | 'at'> & {
  readonly version: typeof EVENT_VERSION;
  /** Of ours, as `dev` or `prod`. */
  readonly environment: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly occurredAt: string;
};

/** An authorisation that serves more is named by its grant alone, so that an event fits where it is sent on to (256 KB). */
const MAX_ORGANIZATIONS = 1_000;

/** The event as it goes over the wire; of more than 1,000 organisations the rest is left out. */
export function detailOf(event: LifecycleEvent, environment: string): EventDetail {
  const { type: _, at, organizationIds, ...told } = event;
  return {
    version: EVENT_VERSION,
    environment,
    occurredAt: new Date(at).toISOString(),
    ...told,
    ...(organizationIds === undefined ? {} : { organizationIds: organizationIds.slice(0, MAX_ORGANIZATIONS) }),
  };
}
