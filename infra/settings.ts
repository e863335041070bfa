import * as z from 'zod';
import { DEFAULT_CONSUMER, ORGANIZATION_ID_PATTERN, PROVIDER_ENVIRONMENTS, PROVIDER_IDS } from '../lib/domain/names.ts';

/** What CloudWatch accepts as retention (PutRetentionPolicy). */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** A Lambda alias: letters, digits, `_`, `-`; a purely numeric name would be taken for a version. */
const CONSUMER_NAME = /^(?!\d+$)[A-Za-z0-9_-]{1,64}$/;

const consumer = z.strictObject({
  /** `*`, or the organisations it may ask for. */
  organisations: z.union([z.literal('*'), z.array(z.string().regex(ORGANIZATION_ID_PATTERN)).min(1)]),
  providers: z.array(z.enum(PROVIDER_IDS)).min(1),
});

/** What can be set, and what each value must look like; rules that depend on the environment are in config.ts. */
const SHAPE = {
  /** Region of all stacks. Default us-east-1. */
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region, such as us-east-1'),
  /** Which side of the providers is used; keys of the two never mix. Default sandbox, in prod production. */
  providerEnvironment: z.enum(PROVIDER_ENVIRONMENTS),
  /** What stands before `/settings/integrations`, where a browser ends up after connecting. dev: http://localhost:3000. */
  frontendUrl: z.string().superRefine(checkBaseUrl),
  /** What stands before `/v1` when the API has a domain of its own. Default: API Gateway's own address. */
  publicUrl: z.exactOptional(z.string().superRefine(checkBaseUrl)),
  /** The `return_url`s a connect session may name. Default none. */
  returnUrls: z.array(z.string().superRefine(checkBaseUrl)),
  /** How a flow is tied to its user (design §7.6): `interstitial` asks him on our page, `link` trusts whoever holds the link. */
  connectBinding: z.enum(['link', 'interstitial']),
  /** Allows `link` in prod, where a victim can be lured into finishing an attacker's flow. Default false. */
  allowLinkBindingInProduction: z.boolean(),
  /** `session`: a flow starts with a connect session; `open`: without one, in local and dev only. Default session. */
  connectAccess: z.enum(['session', 'open']),
  /** The name users are shown on our own pages. */
  partnerName: z.string().regex(/^[^\p{Cc}]{1,100}$/u, 'must be 1 to 100 characters without control characters'),
  /** Whether a consumer that may not use every organisation of a Xero user's grant gets its token (design §9). Default false. */
  allowSharedGrants: z.boolean(),
  /** How long before its expiry an access token is refreshed. At least the 300 s on-demand buffer. Default 1800. */
  refreshAheadSeconds: z.int().min(300).max(3600),
  /** Consecutive failures, each of another grant, after which a provider is left alone (circuit breaker). With 1 a single grant could stop all others. Default 3. */
  circuitFailures: z.int().min(2).max(100),
  /** How long it is left alone before the sweep tries it with a request that risks no token. Default 60. */
  circuitResetSeconds: z.int().min(10).max(3600),
  /** A grant's first pause after a failed refresh; doubles with each further failure, with full jitter. Default 1000. */
  backoffBaseMs: z.int().min(100).max(60_000),
  /** The longest such pause. At least the base. Default 300. */
  backoffCapSeconds: z.int().min(1).max(3600),
  /** Who may ask get-token for what: alias name → organisations and providers. Default: `default` may ask for everything. */
  consumers: z.record(z.string(), consumer).superRefine(checkConsumers),
  /** How long function and access logs are kept. Default 30; local 1, dev 14, prod 90. */
  logRetentionDays: z
    .int()
    .refine((days) => RETENTION_DAYS.includes(days), `must be one of ${RETENTION_DAYS.join(', ')}`),
  /** Least level that is logged. Default INFO. */
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
};

/** Settings that are text as they stand; the others are JSON when they come as text from the command line. */
export const TEXT_SETTINGS: readonly string[] = [
  'region',
  'providerEnvironment',
  'frontendUrl',
  'publicUrl',
  'connectBinding',
  'connectAccess',
  'partnerName',
  'logLevel',
];

export const settingsSchema = z.strictObject(SHAPE);
export type Settings = z.infer<typeof settingsSchema>;

/** https anywhere, http on this machine; nothing after the path; no comma, because lists travel comma-separated. */
function checkBaseUrl(text: string, check: z.core.$RefinementCtx): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === 'localhost');
  const isBare = url !== undefined && url.username === '' && url.password === '' && !/[?#,]|\/$/.test(text);
  if (isAllowed && isBare) return;
  check.addIssue(
    'must be an https URL (http on localhost) without trailing slash, query, fragment, credentials or comma',
  );
}

function checkConsumers(consumers: Readonly<Record<string, unknown>>, check: z.core.$RefinementCtx): void {
  for (const name of Object.keys(consumers)) {
    if (CONSUMER_NAME.test(name)) continue;
    check.addIssue(`"${name}" cannot be an alias: letters, digits, _ and -, at most 64, not all digits`);
  }
  if (!(DEFAULT_CONSUMER in consumers)) check.addIssue(`"${DEFAULT_CONSUMER}" is missing`);
}
