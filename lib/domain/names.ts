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
  circuitFailures: 'GK_CIRCUIT_FAILURES',
  circuitResetSeconds: 'GK_CIRCUIT_RESET_SECONDS',
  backoffBaseMs: 'GK_BACKOFF_BASE_MS',
  backoffCapSeconds: 'GK_BACKOFF_CAP_SECONDS',
  rescueQueueUrl: 'GK_RESCUE_QUEUE_URL',
  rescueDeadLetterUrl: 'GK_RESCUE_DEAD_LETTER_URL',
  refreshGrantFunction: 'GK_REFRESH_GRANT_FUNCTION',
  finishConnectFunction: 'GK_FINISH_CONNECT_FUNCTION',
  refreshDueFunction: 'GK_REFRESH_DUE_FUNCTION',
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

/** CloudWatch metric names, shared by code and alarms. Dimensions: `provider`, and `outcome` where it says so. */
export const METRICS = {
  /** A token from the provider is in no store and on no queue. Count. Alarmed on. */
  tokenAtRisk: 'TokenAtRisk',
  /** Tokens put on the rescue queue because the store did not take them within two seconds. Count. */
  rescueQueued: 'RescueQueued',
  /** Messages of the rescue queue, by `outcome`: commit, displace, superseded, other_generation, stored, banked. Count. */
  rescueApplied: 'RescueApplied',
  /** Grants given up, by `outcome`: the reason. Count. */
  needsReauth: 'NeedsReauth',
  /** Grants that passed a warning level before the end of their authorisation, by `outcome`: idle_90, hard_30, …. Count. */
  grantExpiring: 'GrantExpiring',
  /** By provider, from each sweep: 1 while the circuit is open, else 0. */
  circuitOpen: 'CircuitOpen',
  /** By provider, from each sweep: 1 while so many are suspect that nobody is given up, else 0. Alarmed on. */
  verdictsFrozen: 'VerdictsFrozen',
  /** By provider, from each sweep: how many grants are suspect. Count. */
  suspects: 'Suspects',
  /** By `outcome`: ok, rescued, at_risk, not_sent, unknown, rejected, needs_reauth, config, throttled. Count. */
  refreshOutcome: 'RefreshOutcome',
  /** By `outcome`: ok, stale or the error code. Count. */
  tokenServed: 'TokenServed',
  /** By `outcome`: linked or the flow's error code. Count. */
  connectOutcome: 'ConnectOutcome',
  /** Written by each run of the sweep. Count. */
  sweepHeartbeat: 'SweepHeartbeat',
  /** Age of the most overdue grant the sweep found. Milliseconds. */
  refreshLag: 'RefreshLag',
  /** Extra tries a commit needed. Count. */
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
