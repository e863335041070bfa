import type { ApiKey } from '../domain/api-key.ts';
import type { AuditRow } from '../domain/audit.ts';
import type { Claim, Connection } from '../domain/connection.ts';
import type { Flow, Tenant } from '../domain/flow.ts';
import type { Grant, GrantKey, Instant, Sealed } from '../domain/grant.ts';
import type { LifecycleEvent } from '../domain/lifecycle-event.ts';
import type { MetricName, ProviderEnvironment, ProviderId } from '../domain/names.ts';
import type { DutyOutcome, TokenOutcome } from '../domain/outcome.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import type { RescueMessage } from '../domain/rescue-message.ts';
import type { Secret } from '../domain/secret.ts';
import type { Transaction, Verdict } from '../domain/write.ts';

/** What the use cases see of the world. Store and Cipher have an in-memory twin that passes the same contract. */

export interface Clock {
  now(): Instant;
  sleep(milliseconds: number): Promise<void>;
}

/** A grant the due index names. It is a hint: read the item before doing anything. */
export interface DueEntry {
  readonly grant: GrantKey;
  readonly dueAt: Instant;
}

/**
 * All reads are strongly consistent, except `listDue` (an index). Anything but a verdict is thrown as
 * `GrantkeeperError('unavailable')` with the SDK's error as cause, and may be tried again with the identical transaction.
 */
export interface Store {
  readGrant(key: GrantKey): Promise<Grant | undefined>;
  readConnection(organizationId: string, provider: ProviderId): Promise<Connection | undefined>;
  readClaim(provider: ProviderId, tenantId: string): Promise<Claim | undefined>;
  /** The connection and, if `grant` is given, that grant, in one request. */
  readServed(
    organizationId: string,
    provider: ProviderId,
    grant?: GrantKey,
  ): Promise<{ readonly connection?: Connection; readonly grant?: Grant }>;
  readFlow(id: string): Promise<Flow | undefined>;
  readApiKey(id: string): Promise<ApiKey | undefined>;
  listConnections(organizationId: string): Promise<readonly Connection[]>;
  /** Entries with `dueAt` ≤ `at`, most overdue first, at most `limit`. */
  listDue(partition: string, at: Instant, limit: number): Promise<readonly DueEntry[]>;
  /** All entries of a partition of the due index, due or not (an index: a moment old). */
  countPartition(partition: string): Promise<number>;
  readProvider(provider: ProviderId): Promise<ProviderState | undefined>;
  /** A page of all grants, in no order; `next` is absent on the last. `share` divides the table among `of` scanners. */
  scanGrants(page: {
    readonly share: number;
    readonly of: number;
    readonly next?: string;
  }): Promise<{ readonly grants: readonly Grant[]; readonly next?: string }>;
  /** Audit rows of one grant or organisation with `startedAt` ≥ `since`, oldest first. */
  listAudit(pk: AuditRow['pk'], since: Instant): Promise<readonly AuditRow[]>;
  commit(transaction: Transaction): Promise<Verdict>;
}

export type Purpose = 'access' | 'refresh';

/** Whose token it is, as the request says, never the record. */
export interface SealContext {
  readonly provider: ProviderId;
  readonly grant: GrantKey;
  readonly purpose: Purpose;
}

/** Encrypts without asking anybody: its data key was fetched when it was armed. */
export interface Sealer {
  seal(plaintext: Secret, grant: GrantKey, attemptId: string): Sealed;
}

export interface Cipher {
  /** Fetches a data key (the only KMS call of a write). Throws `unavailable`. */
  arm(
    context: { readonly provider: ProviderId; readonly purpose: Purpose } & (
      | { readonly grant: GrantKey }
      | { readonly scope: string }
    ),
  ): Promise<Sealer>;
  /** Throws `token_undecryptable` when key, grant, purpose or attempt do not fit, `unavailable` when KMS did not answer. */
  open(sealed: Sealed, context: SealContext): Promise<Secret>;
}

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** Cached 5 minutes; `fresh` reads again. Throws `secret_unavailable`. */
export type ReadClient = (
  provider: ProviderId,
  environment: ProviderEnvironment,
  options?: { readonly fresh?: boolean },
) => Promise<ClientCredentials>;

/** The only code that POSTs to a provider's token and revocation endpoints. Never throws; never retries. */
export interface TokenEndpoint {
  refresh(request: {
    readonly provider: ProviderId;
    readonly client: ClientCredentials;
    readonly refreshToken: Secret;
  }): Promise<TokenOutcome>;
  exchange(request: {
    readonly provider: ProviderId;
    readonly client: ClientCredentials;
    readonly code: Secret;
    readonly redirectUri: string;
  }): Promise<TokenOutcome>;
  revoke(request: {
    readonly provider: ProviderId;
    readonly client: ClientCredentials;
    readonly token: Secret;
  }): Promise<DutyOutcome>;
  /**
   * Exchanges a code that was never issued. No token is at risk; REJECTED proves that the provider answers and accepts our
   * client, CONFIG that it refuses it (providers.md §1.7). Never OK. Gives up after 15 s.
   */
  probe(request: {
    readonly provider: ProviderId;
    readonly client: ClientCredentials;
  }): Promise<Exclude<TokenOutcome, { kind: 'OK' }>>;
}

/** Where tokens go, sealed, that the store does not take. Throws `unavailable`. */
export interface RescueQueue {
  put(message: RescueMessage): Promise<void>;
}

/** Messages on the rescue queue and its dead-letter queue: visible, in flight and delayed. Throws `unavailable`. */
export type CountRescues = () => Promise<number>;

/** A part of one sweep, for a copy of the function. Resolves when the copy has been asked; throws `unavailable`. */
export type HandOver = (share: { readonly partitions: readonly string[] }) => Promise<void>;

/** Who an authorisation is for and which companies it opens. */
export interface TenantDirectory {
  /** Subject named by the access token, for providers whose grants belong to users. Pure; undefined when the claim is missing. */
  subjectOf(provider: ProviderId, accessToken: Secret): string | undefined;
  /**
   * Companies the access token opens; with `thisAuthorizationOnly` those of the authorisation it came from. For providers
   * that name the company in the callback, `tenantId` is looked up and confirmed.
   */
  list(request: {
    readonly provider: ProviderId;
    readonly environment: ProviderEnvironment;
    readonly accessToken: Secret;
    readonly tenantId?: string;
    readonly thisAuthorizationOnly?: boolean;
  }): Promise<TenantListing>;
  /** Removes one company from the authorisation. */
  detach(request: {
    readonly provider: ProviderId;
    readonly environment: ProviderEnvironment;
    readonly accessToken: Secret;
    readonly providerConnectionId: string;
  }): Promise<DutyOutcome>;
}

/** `unknown`: no answer that settles it, try later. */
export type TenantListing =
  | { readonly kind: 'listed'; readonly tenants: readonly Tenant[] }
  | { readonly kind: 'unauthorized' | 'unknown'; readonly reason: string };

/** Asks refresh-grant, which runs as another function with its own role and time. */
export interface RefreshRequest {
  readonly grant: GrantKey;
  /** Why: a reader found it expiring, an API rejected `rejectedVersion`, a disconnect left a duty, or a tenant was refused. */
  readonly trigger: 'expiring' | 'rejected' | 'duty' | 'tenant';
  readonly rejectedVersion?: number;
  /** Until when the reader needs a token to last. */
  readonly neededUntil?: Instant;
  readonly connection?: { readonly organizationId: string; readonly linkId: string };
  readonly correlationId?: string;
}

/**
 * `wait` returns when the attempt has ended, or after `waitMs` (10 s unless told); `start` as soon as the request was accepted.
 * Never carries a token.
 */
export type RequestRefresh = (request: RefreshRequest, mode: 'wait' | 'start', waitMs?: number) => Promise<void>;

/** The value of a fleet-wide metric at one moment. */
export interface Gauge {
  readonly name: MetricName;
  readonly value: number;
  readonly provider?: ProviderId;
  readonly outcome?: string;
}

/** Writes gauges at once, all of one moment. Throws `unavailable`. */
export type PublishGauges = (gauges: readonly Gauge[]) => Promise<void>;

/** How many of our own keys cannot be used: disabled, or scheduled for deletion. Throws `unavailable`. */
export type CountUnusableKeys = () => Promise<number>;

/** Tells whoever listens on the bus. Returns at once and never throws: an event is news, the audit is the record. */
export type EmitEvent = (event: LifecycleEvent) => void;

export type CountMetric = (
  name: MetricName,
  value: number,
  dimensions?: { readonly provider?: ProviderId; readonly outcome?: string },
) => void;

/** One line per outcome; named fields only. */
export type LogOutcome = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;

/** What a signed state says. It is single-use because the flow it names moves on at the first callback. */
export interface StatePayload {
  readonly flowId: string;
  readonly provider: ProviderId;
  readonly organizationId: string;
  /** SHA-256 (hex) of the browser cookie set when the link was opened. */
  readonly cookieHash: string;
  readonly nonce: string;
  readonly expiresAt: Instant;
}

/** A key that signs states. */
export interface StateKey {
  /** 1 to 32 letters, digits, "_" or "-"; it stands in every state. */
  readonly id: string;
  /** At least 32 random bytes. */
  readonly key: Uint8Array;
}

/** `current` signs; `previous` still verifies what it signed before the keys were turned. */
export interface StateKeyRing {
  readonly current: StateKey;
  readonly previous?: StateKey;
}

/** HMAC-SHA256 with the current key of the ring. */
export type SignState = (payload: StatePayload) => Promise<string>;

/** The payload when a key of the ring signed it and it has not expired, otherwise undefined. */
export type VerifyState = (state: string, now: Instant) => Promise<StatePayload | undefined>;

/** Where the browser is sent. */
export type AuthorizationUrl = (request: {
  readonly provider: ProviderId;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
}) => string;

/** Hands a code over (or a choice of tenant) to finish-connect, another function with its own time. A code is never sent twice. */
export interface FinishRequest {
  readonly flowId: string;
  readonly correlationId?: string;
  readonly authorization?: { readonly code: string; readonly callbackTenantId?: string };
  readonly chosenTenantId?: string;
}

/** Waits at most `timeoutMs`; what happened stands on the flow. `pending` when it has not ended by then. */
export type FinishConnect = (request: FinishRequest, timeoutMs: number) => Promise<'finished' | 'pending'>;
