import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../infra/config.ts';

const PRODUCTION = {
  env: 'prod',
  frontendUrl: 'https://app.example.com',
  partnerName: 'Example Books',
  connectBinding: 'interstitial',
  pageAddresses: '["on-call@example.com"]',
};

const DOMAIN = {
  name: 'tokens.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
};

function read(context: Readonly<Record<string, unknown>>) {
  return readConfig((name) => context[name]);
}

function problemsOf(context: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    read(context);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('an environment', () => {
  test('is dev, complete without further settings, when none is named', () => {
    expect(read({})).toEqual({
      environment: 'dev',
      region: 'us-east-1',
      providerEnvironment: 'sandbox',
      frontendUrl: 'http://localhost:3000',
      returnUrls: [],
      connectBinding: 'interstitial',
      allowLinkBindingInProduction: false,
      connectAccess: 'session',
      partnerName: 'Grantkeeper (dev)',
      allowSharedGrants: false,
      refreshAheadSeconds: 1800,
      onDemandSeconds: 300,
      keepAliveDays: 14,
      leaseSeconds: 125,
      circuitFailures: 3,
      circuitResetSeconds: 60,
      backoffBaseMs: 1000,
      backoffCapSeconds: 300,
      consumers: { default: { organisations: '*', providers: ['quickbooks', 'xero'] } },
      pageAddresses: [],
      ticketAddresses: [],
      needsReauthBurst: 5,
      refreshLagSeconds: 900,
      serveLatencyMs: 3000,
      firewallRequestsPer5Minutes: 2000,
      firewallConnectRequestsPer5Minutes: 100,
      eventTargets: [],
      logRetentionDays: 14,
      logLevel: 'INFO',
    });
  });

  test('takes settings from context, JSON where they are not text', () => {
    const consumers = { invoicing: { organisations: '*', providers: ['quickbooks', 'xero'] } };
    const eventTargets = [
      { kind: 'sns', arn: 'arn:aws:sns:eu-west-1:123456789012:ledger', events: ['Connection Needs Reauth'] },
      { kind: 'lambda', arn: 'arn:aws:lambda:eu-west-1:123456789012:function:ledger:live' },
    ];
    const context = {
      ...PRODUCTION,
      region: 'eu-west-1',
      returnUrls: '["https://app.example.com/done"]',
      refreshAheadSeconds: '900',
      onDemandSeconds: '900',
      keepAliveDays: '7',
      leaseSeconds: '180',
      circuitFailures: '5',
      circuitResetSeconds: '120',
      backoffBaseMs: '500',
      backoffCapSeconds: '60',
      allowSharedGrants: 'true',
      consumers: JSON.stringify(consumers),
      ticketAddresses: '["https://tickets.example.com/grantkeeper?queue=1"]',
      needsReauthBurst: '20',
      refreshLagSeconds: '600',
      serveLatencyMs: '500',
      firewallRequestsPer5Minutes: '10000',
      firewallConnectRequestsPer5Minutes: '10000',
      eventTargets: JSON.stringify(eventTargets),
    };
    expect(read(context)).toMatchObject({
      environment: 'prod',
      region: 'eu-west-1',
      providerEnvironment: 'production',
      returnUrls: ['https://app.example.com/done'],
      refreshAheadSeconds: 900,
      onDemandSeconds: 900,
      keepAliveDays: 7,
      leaseSeconds: 180,
      circuitFailures: 5,
      circuitResetSeconds: 120,
      backoffBaseMs: 500,
      backoffCapSeconds: 60,
      allowSharedGrants: true,
      consumers,
      pageAddresses: ['on-call@example.com'],
      ticketAddresses: ['https://tickets.example.com/grantkeeper?queue=1'],
      needsReauthBurst: 20,
      refreshLagSeconds: 600,
      serveLatencyMs: 500,
      firewallRequestsPer5Minutes: 10_000,
      firewallConnectRequestsPer5Minutes: 10_000,
      eventTargets,
    });
  });

  test('has its public URL from its domain, given or not', () => {
    const url = 'https://tokens.example.com/api';
    expect([read({ domain: DOMAIN }).publicUrl, read({ domain: DOMAIN, publicUrl: url }).publicUrl]).toEqual([
      url,
      url,
    ]);
  });

  test('prod names everything it leaves to be chosen', () => {
    expect(problemsOf({ env: 'prod' })).toEqual([
      'frontendUrl: must be chosen',
      'connectBinding: must be chosen',
      'partnerName: must be chosen',
      'pageAddresses: must be chosen',
    ]);
  });

  test('prod takes link binding with its named override', () => {
    const context = { ...PRODUCTION, connectBinding: 'link', allowLinkBindingInProduction: 'true' };
    expect(read(context).connectBinding).toBe('link');
  });

  test('dev may open flows without a session', () => {
    expect(read({ connectAccess: 'open' }).connectAccess).toBe('open');
  });
});

describe('local', () => {
  test('has its URLs from publicOrigin', () => {
    const { publicUrl, frontendUrl, returnUrls } = read({ env: 'local', publicOrigin: 'http://localhost:9090' });
    expect({ publicUrl, frontendUrl, returnUrls }).toEqual({
      publicUrl: 'http://localhost:9090/api',
      frontendUrl: 'http://localhost:9090',
      returnUrls: ['http://localhost:9090'],
    });
  });

  test('takes the simulators’ origins as JSON text', () => {
    const providerOrigins = '{"quickbooks":"http://localhost:9001","xero":"http://localhost:9002"}';
    expect(read({ env: 'local', providerOrigins }).providerOrigins).toEqual({
      quickbooks: 'http://localhost:9001',
      xero: 'http://localhost:9002',
    });
  });
});

const URL_RULE =
  'must be an https URL (http on localhost) without trailing slash, query, fragment, credentials or comma';

test.for<[string, Record<string, unknown>]>([
  ['env: must be one of local, dev, staging, prod', { env: 'production' }],
  ['region: must be an AWS region, such as us-east-1', { region: 'Ireland' }],
  ['providerEnvironment: Invalid option: expected one of "sandbox"|"production"', { providerEnvironment: 'live' }],
  [`frontendUrl: ${URL_RULE}`, { frontendUrl: 'app.example.com' }],
  [`frontendUrl: ${URL_RULE}`, { frontendUrl: 'http://app.example.com' }],
  [`frontendUrl: ${URL_RULE}`, { frontendUrl: 'https://app.example.com/' }],
  [`frontendUrl: ${URL_RULE}`, { frontendUrl: 'https://user:word@app.example.com' }],
  [`publicUrl: ${URL_RULE}`, { publicUrl: 'https://api.example.com/api?x=1' }],
  [`returnUrls.0: ${URL_RULE}`, { returnUrls: ['https://app.example.com/a,b'] }],
  ['returnUrls: Invalid input: expected array, received string', { returnUrls: 'https://app.example.com' }],
  ['connectBinding: Invalid option: expected one of "link"|"interstitial"', { connectBinding: 'none' }],
  ['connectAccess: Invalid option: expected one of "session"|"open"', { connectAccess: 'public' }],
  ['partnerName: must be 1 to 100 characters without control characters', { partnerName: 'a\nb' }],
  ['allowSharedGrants: Invalid input: expected boolean, received string', { allowSharedGrants: 'yes' }],
  ['refreshAheadSeconds: Too small: expected number to be >=300', { refreshAheadSeconds: '299' }],
  ['refreshAheadSeconds: Too big: expected number to be <=3600', { refreshAheadSeconds: '3601' }],
  ['circuitFailures: Too small: expected number to be >=2', { circuitFailures: '1' }],
  ['circuitFailures: Too big: expected number to be <=100', { circuitFailures: '101' }],
  ['circuitResetSeconds: Too small: expected number to be >=10', { circuitResetSeconds: '9' }],
  ['circuitResetSeconds: Too big: expected number to be <=3600', { circuitResetSeconds: '3601' }],
  ['backoffBaseMs: Too small: expected number to be >=100', { backoffBaseMs: '99' }],
  ['backoffBaseMs: Too big: expected number to be <=60000', { backoffBaseMs: '60001' }],
  ['backoffCapSeconds: Too small: expected number to be >=1', { backoffCapSeconds: '0' }],
  ['backoffCapSeconds: Too big: expected number to be <=3600', { backoffCapSeconds: '3601' }],
  [
    'backoffCapSeconds: must not be less than backoffBaseMs',
    { backoffBaseMs: '5001', backoffCapSeconds: '5', env: 'dev' },
  ],
  ['logLevel: Invalid option: expected one of "DEBUG"|"INFO"|"WARN"|"ERROR"', { logLevel: 'TRACE' }],
  ['onDemandSeconds: Too small: expected number to be >=60', { onDemandSeconds: '59' }],
  [
    'onDemandSeconds: must not be more than refreshAheadSeconds',
    { onDemandSeconds: '301', refreshAheadSeconds: '300' },
  ],
  ['keepAliveDays: Too small: expected number to be >=1', { keepAliveDays: '0' }],
  ['keepAliveDays: Too big: expected number to be <=30', { keepAliveDays: '31' }],
  ['leaseSeconds: Too small: expected number to be >=125', { leaseSeconds: '124' }],
  ['leaseSeconds: Too big: expected number to be <=600', { leaseSeconds: '601' }],
  ['needsReauthBurst: Too small: expected number to be >=1', { needsReauthBurst: '0' }],
  ['refreshLagSeconds: Too small: expected number to be >=120', { refreshLagSeconds: '119' }],
  ['serveLatencyMs: Too small: expected number to be >=100', { serveLatencyMs: '99' }],
  ['serveLatencyMs: Too big: expected number to be <=20000', { serveLatencyMs: '20001' }],
  ['firewallRequestsPer5Minutes: Too small: expected number to be >=10', { firewallRequestsPer5Minutes: '9' }],
  [
    'firewallConnectRequestsPer5Minutes: must not be more than firewallRequestsPer5Minutes',
    { firewallRequestsPer5Minutes: '99' },
  ],
  ['pageAddresses.0: must be an e-mail address or an https URL', { pageAddresses: ['http://alerts.example.com'] }],
  ['ticketAddresses.0: must be an e-mail address or an https URL', { ticketAddresses: ['team at example.com'] }],
  ['pageAddresses: must not name one twice', { pageAddresses: ['on-call@example.com', 'on-call@example.com'] }],
  ['domain.name: must be a host name', { domain: { ...DOMAIN, name: 'https://tokens.example.com' } }],
  ['domain.certificateArn: must be the ARN of an ACM certificate', { domain: { ...DOMAIN, certificateArn: 'x' } }],
  ['domain.certificateArn: must be in eu-west-1', { domain: DOMAIN, region: 'eu-west-1' }],
  ['domain.hostedZoneId: must be the id of a Route 53 zone', { domain: { ...DOMAIN, hostedZoneId: 'example.com' } }],
  [
    'publicUrl: must be https://tokens.example.com/api, or left out, with this domain',
    { domain: DOMAIN, publicUrl: 'https://tokens.example.com' },
  ],
  [
    'publicUrl: must be https://tokens.example.com/api, or left out, with this domain',
    { env: 'local', domain: DOMAIN },
  ],
  [
    'eventTargets.0.kind: Invalid option: expected one of "sns"|"lambda"',
    { eventTargets: [{ kind: 'sqs', arn: 'arn:aws:sqs:us-east-1:123456789012:ledger' }] },
  ],
  [
    'eventTargets.0.arn: must be an ARN of that kind',
    { eventTargets: [{ kind: 'lambda', arn: 'arn:aws:sns:us-east-1:123456789012:ledger' }] },
  ],
  [
    'eventTargets.0.arn: must be in us-east-1',
    { eventTargets: [{ kind: 'sns', arn: 'arn:aws:sns:eu-west-1:123456789012:ledger' }] },
  ],
  ['consumers: must name at least one', { consumers: {} }],
  ['connectBinding: link in prod needs allowLinkBindingInProduction', { ...PRODUCTION, connectBinding: 'link' }],
  ['connectAccess: open is for local and dev only', { ...PRODUCTION, connectAccess: 'open' }],
  ['pageAddresses: must name at least one in prod', { ...PRODUCTION, pageAddresses: '[]' }],
  ['frontendUrl: must be https in prod', { ...PRODUCTION, frontendUrl: 'http://localhost:3000' }],
  ['publicUrl: must be https in prod', { ...PRODUCTION, publicUrl: 'http://localhost:8080/api' }],
  ['returnUrls: must be https in prod', { ...PRODUCTION, returnUrls: ['http://localhost:3000/x'] }],
  ['providerOrigins: is for env=local only', { providerOrigins: '{"xero":"http://localhost:9002"}' }],
  ['publicOrigin: is for env=local only', { publicOrigin: 'http://localhost:8080' }],
  ['publicOrigin: must be http://localhost:<port>', { env: 'local', publicOrigin: 'http://127.0.0.1:8080' }],
  [
    'providerOrigins: must be JSON, provider → http://localhost:<port>',
    { env: 'local', providerOrigins: '{"xero":"https://api.xero.com"}' },
  ],
  [
    'providerOrigins: must be JSON, provider → http://localhost:<port>',
    { env: 'local', providerOrigins: '{"sage":"http://localhost:9003"}' },
  ],
])('synthesis fails with %s', ([problem, context]) => {
  expect(problemsOf(context)).toContain(problem);
});

test('a log retention CloudWatch does not know is refused', () => {
  expect(problemsOf({ logRetentionDays: '10' })[0]).toMatch(/^logRetentionDays: must be one of 1, 3, 5, 7, 14, 30,/);
});

test.for([
  ['42', /^consumers: "42" cannot be an alias/],
  ['has space', /^consumers: "has space" cannot be an alias/],
  ['DEFAULT', /^consumers: "DEFAULT" differs from another name only by case$/],
] as const)('a consumer called %s is refused', ([name, problem]) => {
  const one = { organisations: '*', providers: ['xero'] };
  expect(problemsOf({ consumers: { default: one, [name]: one } })[0]).toMatch(problem);
});

test.for<[string, unknown]>([
  ['consumers.default.providers', { organisations: '*', providers: [] }],
  ['consumers.default.providers.0', { organisations: '*', providers: ['sage'] }],
  ['consumers.default.organisations.0', { organisations: ['-'], providers: ['xero'] }],
  ['consumers.default', { organisations: '*', providers: ['xero'], admin: true }],
  ['consumers.default.principals.0', { organisations: '*', providers: ['xero'], principals: ['*'] }],
  ['consumers.default.principals.0', { organisations: '*', providers: ['xero'], principals: ['210987654321'] }],
])('a consumer that is wrong at %s is refused by that name', ([path, consumer]) => {
  expect(problemsOf({ consumers: { default: consumer } })[0]?.split(': ')[0]).toBe(path);
});
