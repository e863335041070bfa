import { DEFAULT_CONSUMER, PROVIDER_IDS } from '../lib/domain/names.ts';
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
  onDemandSeconds: 300,
  keepAliveDays: 14,
  leaseSeconds: 125,
  circuitFailures: 3,
  circuitResetSeconds: 60,
  backoffBaseMs: 1000,
  backoffCapSeconds: 300,
  consumers: { [DEFAULT_CONSUMER]: { organisations: '*', providers: [...PROVIDER_IDS] } },
  ticketAddresses: [],
  needsReauthBurst: 5,
  refreshLagSeconds: 900,
  serveLatencyMs: 3000,
  firewallRequestsPer5Minutes: 2000,
  firewallConnectRequestsPer5Minutes: 100,
  eventTargets: [],
  logRetentionDays: 30,
  logLevel: 'INFO',
};

/**
 * The settings of each environment: the file a deployer edits. Every setting can also be given for one synthesis as
 * context, `-c name=value` (JSON where it is not text). Staging and production do not say where the frontend is or
 * what the partner is called, and production neither how a flow is bound to its user nor whom an alarm wakes: synthesis
 * names these until somebody chose.
 */
export const ENVIRONMENT_SETTINGS: Readonly<Record<EnvironmentName, Partial<Settings>>> = {
  local: {
    partnerName: 'Grantkeeper (local)',
    connectBinding: 'link',
    pageAddresses: [],
    logRetentionDays: 1,
  },
  dev: {
    frontendUrl: 'http://localhost:3000',
    partnerName: 'Grantkeeper (dev)',
    connectBinding: 'interstitial',
    pageAddresses: [],
    logRetentionDays: 14,
  },
  staging: { connectBinding: 'interstitial', pageAddresses: [] },
  prod: { providerEnvironment: 'production', logRetentionDays: 90 },
};
