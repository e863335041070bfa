import * as z from 'zod';
import { EVENT_TYPES } from '../lib/domain/lifecycle-event.ts';
import { ORGANIZATION_ID_PATTERN, PROVIDER_ENVIRONMENTS, PROVIDER_IDS } from '../lib/domain/names.ts';

/** What CloudWatch accepts as retention (PutRetentionPolicy). */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** A Lambda alias: letters, digits, `_`, `-`; a purely numeric name would be taken for a version. */
const CONSUMER_NAME = /^(?!\d+$)[A-Za-z0-9_-]{1,64}$/;

/** A role elsewhere, or `root` for whatever role of that account its own administrators let. */
const PRINCIPAL_ARN = /^arn:aws[a-z-]*:iam::\d{12}:(root|role\/[\w+=,.@/-]{1,512})$/;

const CERTIFICATE_ARN = /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]{1,64}$/;

const TARGET_ARN = {
  sns: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/,
  lambda: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:[\w-]{1,128})?$/,
} as const;

const consumer = z.strictObject({
  /** `*`, or the organisations it may ask for. */
  organisations: z.union([z.literal('*'), z.array(z.string().regex(ORGANIZATION_ID_PATTERN)).min(1)]),
  providers: z.array(z.enum(PROVIDER_IDS)).min(1),
  /** Roles or accounts elsewhere that may invoke the alias beside whoever has this account's policy for it. Default none. */
  principals: z.exactOptional(
    z.array(z.string().regex(PRINCIPAL_ARN, 'must be the ARN of a role or an account’s root')),
  ),
});

const domain = z.strictObject({
  /** The host name of the API, such as tokens.example.com. */
  name: z.string().regex(/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a host name'),
  /** Of a certificate for that name in the stacks' region. */
  certificateArn: z.string().regex(CERTIFICATE_ARN, 'must be the ARN of an ACM certificate'),
  /** The Route 53 zone in which the name is made. Default: you point the name at the output DomainTarget yourself. */
  hostedZoneId: z.exactOptional(z.string().regex(/^Z[A-Z0-9]{1,31}$/, 'must be the id of a Route 53 zone')),
});

const eventTarget = z
  .strictObject({
    kind: z.enum(['sns', 'lambda']),
    /** Of a topic or a function, in the stacks' region. */
    arn: z.string(),
    /** Default: all. */
    events: z.exactOptional(z.array(z.enum(EVENT_TYPES)).min(1)),
  })
  .refine(({ kind, arn }) => TARGET_ARN[kind].test(arn), { path: ['arn'], error: 'must be an ARN of that kind' });

/** SNS subscriptions; anything else it knows needs a resource to be named. */
const addresses = z
  .array(
    z.string().regex(/^(https:\/\/[^\s/]+\S*|[^\s@]+@[^\s@]+\.[^\s@]+)$/, 'must be an e-mail address or an https URL'),
  )
  .refine((given) => new Set(given).size === given.length, 'must not name one twice');

/** What can be set, and what each value must look like; rules that depend on the environment are in config.ts. */
const SHAPE = {
  /** Region of all stacks. Default us-east-1. */
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region, such as us-east-1'),
  /** Which side of the providers is used; keys of the two never mix. Default sandbox, in prod production. */
  providerEnvironment: z.enum(PROVIDER_ENVIRONMENTS),
  /** What stands before `/settings/integrations`, where a browser ends up after connecting. dev: http://localhost:3000. */
  frontendUrl: z.string().superRefine(checkBaseUrl),
  /** The API's own domain; with it API Gateway's address stays shut. Default none. */
  domain: z.exactOptional(domain),
  /** What stands before `/v1`. Default: `https://<domain.name>/api`, without a domain API Gateway's own address. */
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
  /** With less than this left a reader starts a refresh beside being served (design §6). At least 60, at most refreshAheadSeconds. Default 300. */
  onDemandSeconds: z.int().min(60).max(3600),
  /** A grant nobody uses is refreshed this often, far from any provider's idle expiry. Default 14. */
  keepAliveDays: z.int().min(1).max(30),
  /** How long an attempt keeps others off its grant. At least the 125 s in which every attempt has ended. Default 125. */
  leaseSeconds: z.int().min(125).max(600),
  /** Consecutive failures, each of another grant, after which a provider is left alone (circuit breaker). With 1 a single grant could stop all others. Default 3. */
  circuitFailures: z.int().min(2).max(100),
  /** How long it is left alone before the sweep tries it with a request that risks no token. Default 60. */
  circuitResetSeconds: z.int().min(10).max(3600),
  /** A grant's first pause after a failed refresh; doubles with each further failure, with full jitter. Default 1000. */
  backoffBaseMs: z.int().min(100).max(60_000),
  /** The longest such pause. At least the base. Default 300. */
  backoffCapSeconds: z.int().min(1).max(3600),
  /** Who may ask get-token for what: alias name → organisations and providers. Default: one, `default`, for everything. */
  consumers: z.record(z.string(), consumer).superRefine(checkConsumers),
  /** Whom an alarm wakes: e-mail addresses and https URLs (both confirm a subscription first). Default none; prod needs one. */
  pageAddresses: addresses,
  /** Who reads of alarms in working hours. Default none. */
  ticketAddresses: addresses,
  /** Connections of both providers that may need their user again within an hour before that pages. Default 5. */
  needsReauthBurst: z.int().min(1).max(100_000),
  /** The most overdue grant may be late by this before that pages; a sweep runs each minute. Default 900. */
  refreshLagSeconds: z.int().min(120).max(86_400),
  /** get-token's p99 that pages. A read takes milliseconds, a reader waits 10 s at most for a refresh. Default 3000. */
  serveLatencyMs: z.int().min(100).max(20_000),
  /** What one address may ask within five minutes, before the firewall refuses it. Default 2000. */
  firewallRequestsPer5Minutes: z.int().min(10).max(2_000_000_000),
  /** What one address may ask of connect, callback and choose. Default 100. */
  firewallConnectRequestsPer5Minutes: z.int().min(10).max(2_000_000_000),
  /** Who is told what happens to connections and tokens. Default none. */
  eventTargets: z.array(eventTarget),
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

/** Names become aliases and names of IAM policies, which IAM tells apart without regard to case. */
function checkConsumers(consumers: Readonly<Record<string, unknown>>, check: z.core.$RefinementCtx): void {
  const names = Object.keys(consumers);
  if (names.length === 0) check.addIssue('must name at least one');
  for (const name of names) {
    if (CONSUMER_NAME.test(name)) continue;
    check.addIssue(`"${name}" cannot be an alias: letters, digits, _ and -, at most 64, not all digits`);
  }
  const folded = names.map((name) => name.toLowerCase());
  const twice = names.find((name, index) => folded.indexOf(name.toLowerCase()) !== index);
  if (twice !== undefined) check.addIssue(`"${twice}" differs from another name only by case`);
}
