import type { Settings } from './settings.ts';

/** What `-c env=` can be. `local` is the platform on a laptop; the others are deployed. */
export const ENVIRONMENTS = ['local', 'dev', 'staging', 'prod'] as const;
export type EnvironmentName = (typeof ENVIRONMENTS)[number];

/** What holds where an environment says nothing else. */
export const DEFAULTS: Partial<Settings> = {
  region: 'us-east-1',
  providerEnvironment: 'sandbox',
  returnUrls: [],
  connectAccess: 'session',
  allowSharedGrants: false,
  allowLinkBindingInProduction: false,
  refreshAheadSeconds: 1800,
  circuitFailures: 3,
  circuitResetSeconds: 60,
  backoffBaseMs: 1000,
  backoffCapSeconds: 300,
  consumers: { default: { organisations: '*', providers: ['quickbooks', 'xero'] } },
  logRetentionDays: 30,
  logLevel: 'INFO',
};

/**
 * The settings of each environment: the file a deployer edits. Every setting can also be given for one synthesis as
 * context, `-c name=value` (JSON where it is not text). Staging and production do not say where the frontend is, what
 * the partner is called or (production) how a flow is bound to its user: synthesis names these until somebody chose.
 */
export const ENVIRONMENT_SETTINGS: Readonly<Record<EnvironmentName, Partial<Settings>>> = {
  local: {
    partnerName: 'Grantkeeper (local)',
    connectBinding: 'link',
    logRetentionDays: 1,
  },
  dev: {
    frontendUrl: 'http://localhost:3000',
    partnerName: 'Grantkeeper (dev)',
    connectBinding: 'interstitial',
    logRetentionDays: 14,
  },
  staging: { connectBinding: 'interstitial' },
  prod: { providerEnvironment: 'production', logRetentionDays: 90 },
};
