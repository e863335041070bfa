/**
 * Names that more than one room of the house must agree on: what infra creates and what the code looks for.
 * Nothing here knows AWS; infra and adapters both import it.
 */

export const APP = 'grantkeeper';

/** Stable ids of the accounting systems, as they stand in routes, keys and records. */
export const PROVIDER_IDS = ['quickbooks', 'xero'] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** Which side of a provider the app talks to. Keys of the two must never be mixed (Intuit, set-redirect-uri). */
export const PROVIDER_ENVIRONMENTS = ['sandbox', 'production'] as const;
export type ProviderEnvironment = (typeof PROVIDER_ENVIRONMENTS)[number];

/** Logical table names; the physical name of each is in the environment variable of `TABLE_VARIABLES`. */
export const TABLES = ['grants', 'connections', 'flows', 'apiKeys', 'audit'] as const;
export type TableName = (typeof TABLES)[number];

/** Partition and sort key attribute of each table. */
export const TABLE_KEYS = {
  grants: ['pk'],
  connections: ['pk', 'sk'],
  flows: ['pk'],
  apiKeys: ['pk'],
  audit: ['pk', 'sk'],
} as const satisfies Record<TableName, readonly string[]>;

/** The time-to-live attribute (epoch seconds) of the tables that forget. Reads compare the record's own expiry too. */
export const TTL_ATTRIBUTE = 'ttl';

/** The sparse index of grants that owe something, keys only. Partition `duePartition`, sort `dueAt`. */
export const DUE_INDEX = 'due';
export const DUE_SHARDS = 16;
export const SUSPECT_SHARDS = 4;
/** Of refreshes whose answer was lost: they come first, because a provider's grace is running. */
export const RECOVERY_SHARDS = 4;

/** One Lambda each; the file `functions/<name>.ts` exports `handler`. */
export const FUNCTIONS = [
  'authorizer',
  'create-connect-session',
  'connect-session-status',
  'connect',
  'callback',
  'choose',
  'finish-connect',
  'status',
  'disconnect',
  'get-token',
  'refresh-grant',
  'refresh-due',
  'rescue',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/**
 * Runs of refresh-due at once: a sweep with the three copies it may share its work with, the next minute's sweep while they
 * still work, and the daily repair. Runs that overlap harm nothing: whatever changes a grant is done under that grant's
 * lease, what a run found in the index is read again first, and each write to a provider's state has its condition. A run
 * beyond these waits a minute at most and is then dropped, because the next one finds the same work.
 */
export const SWEEPS_AT_ONCE = 8;

/** The alias a consumer invokes get-token by is its name in the consumer map; this one exists from the start. */
export const DEFAULT_CONSUMER = 'default';

/** Lies beside the get-token handler: alias → what that consumer may ask for. */
export const CONSUMER_MAP_FILE = 'consumers.json';

/** Environment variables of the functions; a function has only those it reads. */
export const VARIABLES = {
  environment: 'GK_ENVIRONMENT',
  providerEnvironment: 'GK_PROVIDER_ENVIRONMENT',
  providerOrigins: 'GK_PROVIDER_ORIGINS',
  keyArn: 'GK_KEY_ARN',
  frontendUrl: 'GK_FRONTEND_URL',
  publicUrl: 'GK_PUBLIC_URL',
  returnUrls: 'GK_RETURN_URLS',
  connectBinding: 'GK_CONNECT_BINDING',
  connectAccess: 'GK_CONNECT_ACCESS',
  partnerName: 'GK_PARTNER_NAME',
  allowSharedGrants: 'GK_ALLOW_SHARED_GRANTS',
  refreshAheadSeconds: 'GK_REFRESH_AHEAD_SECONDS',
  onDemandSeconds: 'GK_ON_DEMAND_SECONDS',
  keepAliveDays: 'GK_KEEP_ALIVE_DAYS',
  leaseSeconds: 'GK_LEASE_SECONDS',
  circuitFailures: 'GK_CIRCUIT_FAILURES',
  circuitResetSeconds: 'GK_CIRCUIT_RESET_SECONDS',
  backoffBaseMs: 'GK_BACKOFF_BASE_MS',
  backoffCapSeconds: 'GK_BACKOFF_CAP_SECONDS',
  rescueQueueUrl: 'GK_RESCUE_QUEUE_URL',
  rescueDeadLetterUrl: 'GK_RESCUE_DEAD_LETTER_URL',
  refreshGrantFunction: 'GK_REFRESH_GRANT_FUNCTION',
  finishConnectFunction: 'GK_FINISH_CONNECT_FUNCTION',
  refreshDueFunction: 'GK_REFRESH_DUE_FUNCTION',
  eventBus: 'GK_EVENT_BUS',
  tableKeyArn: 'GK_TABLE_KEY_ARN',
  logLevel: 'GK_LOG_LEVEL',
} as const;

/** The physical table names. */
export const TABLE_VARIABLES = {
  grants: 'GK_TABLE_GRANTS',
  connections: 'GK_TABLE_CONNECTIONS',
  flows: 'GK_TABLE_FLOWS',
  apiKeys: 'GK_TABLE_API_KEYS',
  audit: 'GK_TABLE_AUDIT',
} as const satisfies Record<TableName, string>;

/** Secrets Manager: JSON `{"clientId", "clientSecret"}`, one per provider and provider environment. */
export function clientSecretName(environment: string, provider: ProviderId, side: ProviderEnvironment): string {
  return `${APP}/${environment}/${provider}/${side}/client`;
}

/**
 * Secrets Manager: JSON `{"id", "key", "previous"?: {"id", "key"}}`, keys 43 characters of base64url (32 bytes). To turn the
 * keys put the new one as `previous` first, and five minutes later as the key with the old one as `previous`: a warm
 * function still knows only what it read.
 */
export function stateKeysSecretName(environment: string): string {
  return `${APP}/${environment}/state-keys`;
}

/** One namespace per environment, so that one's heartbeat cannot hide another's outage. */
export function metricNamespace(environment: string): string {
  return `Grantkeeper/${environment}`;
}

/** The EventBridge bus of an environment's lifecycle events. */
export function eventBusName(environment: string): string {
  return `${APP}-${environment}`;
}

/** Codes of refusals for want of right, by which `DeniedCalls` is counted; `not_found` only where an object exists and is another's. */
export const DENIED_OUTCOMES = [
  'unauthorized',
  'forbidden',
  'not_found',
  'invalid_state',
  'consumer_refused',
  'shared_grant_refused',
] as const;

/** The AWS services whose throttling is counted, by the name it is counted under. */
export const THROTTLED_SERVICES = [
  'dynamodb',
  'kms',
  'secretsmanager',
  'sqs',
  'lambda',
  'cloudwatch',
  'events',
] as const;
export type ThrottledService = (typeof THROTTLED_SERVICES)[number];

/**
 * CloudWatch metric names, shared by code and alarms. Each has exactly the dimensions in braces; what has none is found
 * without. Unless it says otherwise a metric is a count of things that happened, to be summed. A gauge is what one run of the
 * schedule found, once a minute; it is missing for a minute in which it could not be measured.
 */
export const METRICS = {
  /** {provider}. A token from the provider is in no store and on no queue. Written at once. Alarmed on. */
  tokenAtRisk: 'TokenAtRisk',
  /** {provider}. Tokens put on the rescue queue because the store did not take them within two seconds. */
  rescueQueued: 'RescueQueued',
  /** {provider, outcome}. Messages of the rescue queue, by what storing came to: commit, displace, superseded, other_generation, stored, banked. */
  rescueApplied: 'RescueApplied',
  /** {provider, outcome}. Grants given up, by the reason. */
  needsReauth: 'NeedsReauth',
  /** {provider, outcome}. Grants that passed a warning level before the end of their authorisation: idle_90, hard_30, …. */
  grantExpiring: 'GrantExpiring',
  /** {provider}. Gauge: 1 while the circuit keeps refreshes back, else 0. */
  circuitOpen: 'CircuitOpen',
  /** {provider}. Gauge: 1 while it does so because our client is refused, else 0. Alarmed on. */
  configRefused: 'ConfigRefused',
  /** {provider}. Gauge: 1 while so many are suspect that nobody is given up, else 0. Alarmed on. */
  verdictsFrozen: 'VerdictsFrozen',
  /** {provider}. Gauge: how many grants are suspect. */
  suspects: 'Suspects',
  /**
   * {provider}. Gauge: how many grants were due for more than a minute when the run began. A look lists 250 of each of a
   * provider's 24 partitions of the due index: from 250 on it may be too small, and 6000 is the most it can be.
   */
  overdueGrants: 'OverdueGrants',
  /** {provider, outcome}. Gauge: grants by status, as the daily scan last counted all of them. */
  grants: 'Grants',
  /** {}. Gauge: how many of our two keys are disabled or scheduled for deletion, as far as KMS says. Alarmed on. */
  keysUnusable: 'KeysUnusable',
  /** {provider, outcome}. Attempts to refresh, by their end: ok, rescued, at_risk, not_sent, unknown, rejected, needs_reauth, config, throttled. */
  refreshOutcome: 'RefreshOutcome',
  /** {provider, outcome}. Calls of get-token that named a connection: ok (as it was stored), refreshed (after a wait for a refresh), stale or the error code. */
  tokenServed: 'TokenServed',
  /** {}. How long get-token took, whatever it answered, less the start of a cold sandbox. Milliseconds; as many as there were calls. */
  serveLatency: 'ServeLatency',
  /** {}. 1 for each call of get-token that ended in a fault (`isFault` of errors.ts), else 0. */
  serveFault: 'ServeFault',
  /**
   * {provider, outcome}. How long a request to a provider took from the first step of its connection to the last byte of the
   * answer, or until it was given up, by what was asked: refresh, exchange, revoke, probe, tenants, detach. Milliseconds.
   */
  providerLatency: 'ProviderLatency',
  /** {provider, outcome}. The same requests by the class of their answer: 2xx, 3xx, 4xx, 429, 5xx, or none when none came whole. */
  providerAnswer: 'ProviderAnswer',
  /** {provider}. Leases that were not taken because another attempt had the grant, or was quicker. */
  leaseContention: 'LeaseContention',
  /**
   * {outcome}. Calls that were refused for want of right, by the error code (`DENIALS` of errors.ts), and by not_found where
   * that hides another organisation's object. Not seen here: requests without any key, which the gateway refuses by itself, and
   * repeats of a key's refused route while the gateway remembers what the key may do.
   */
  deniedCalls: 'DeniedCalls',
  /** {}. Times a secret was needed and could not be read, or was malformed. */
  secretErrors: 'SecretErrors',
  /** {outcome}. Requests that an AWS service throttled, each of the SDK's tries, by `THROTTLED_SERVICES`. */
  awsThrottled: 'AwsThrottled',
  /** {}. Lifecycle events the bus did not take. */
  eventsDropped: 'EventsDropped',
  /** {provider, outcome}. Connect flows that came to an end: linked or the flow's error code; and choosing, when the user was asked for the company. */
  connectOutcome: 'ConnectOutcome',
  /** {provider}. 1 for each connect flow that ended in a fault (`isFault` of errors.ts), 0 for each other end; the average is a ratio. */
  connectFault: 'ConnectFault',
  /** {}. Runs of the sweep that could look at what is due. */
  sweepHeartbeat: 'SweepHeartbeat',
  /** {}. Age of the most overdue grant a run found. Milliseconds. */
  refreshLag: 'RefreshLag',
  /** {}. Extra tries a commit needed. */
  commitRetries: 'CommitRetries',
} as const;
export type MetricName = (typeof METRICS)[keyof typeof METRICS];

/** Patterns of design §3: what an id from outside must look like before it becomes part of a key. */
export const ORGANIZATION_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const TENANT_ID_PATTERN = /^[A-Za-z0-9-]{1,64}$/;

/** Narrows a path or body value to a provider we serve. */
export function isProviderId(value: unknown): value is ProviderId {
  return typeof value === 'string' && (PROVIDER_IDS as readonly string[]).includes(value);
}
