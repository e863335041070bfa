import { beforeAll, describe, expect, test } from 'vitest';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp().service);
});

function functionOf(name: string, among = resources): Resource['properties'] {
  const all = ofType(among, 'AWS::Lambda::Function').map(({ properties }) => properties);
  return all.find(({ FunctionName }) => /^grantkeeper-[a-z]+-(.+)$/.exec(FunctionName)?.[1] === name) ?? {};
}

test.for([
  ['authorizer', 10, 512],
  ['create-connect-session', 10, 256],
  ['connect-session-status', 10, 256],
  ['connect', 10, 512],
  ['callback', 29, 512],
  ['choose', 29, 512],
  ['finish-connect', 90, 512],
  ['status', 10, 256],
  ['disconnect', 15, 256],
  ['get-token', 20, 512],
  ['refresh-grant', 80, 512],
  ['refresh-due', 180, 512],
  ['rescue', 45, 512],
] as const)('%s has %i s, %i MB, Node 24 on arm64 and its own log', ([name, seconds, megabytes]) => {
  const { FunctionName, Timeout, MemorySize, Runtime, Architectures, Handler, LoggingConfig } = functionOf(name);
  expect({ FunctionName, Timeout, MemorySize, Runtime, Architectures, Handler, LoggingConfig }).toEqual({
    FunctionName: `grantkeeper-dev-${name}`,
    Timeout: seconds,
    MemorySize: megabytes,
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
    LoggingConfig: { LogGroup: `${name.replaceAll('-', '')}Logs` },
  });
});

test('logs are kept as long as configured and hold nothing that must outlive the stack', () => {
  const groups = ofType(resources, 'AWS::Logs::LogGroup');
  expect(
    new Set(groups.map(({ properties, deletionPolicy }) => `${properties.RetentionInDays} ${deletionPolicy}`)),
  ).toEqual(new Set(['14 Delete']));
  expect(groups).toHaveLength(13);
});

describe('environment variables', () => {
  const ALWAYS = {
    GK_ENVIRONMENT: 'dev',
    GK_LOG_LEVEL: 'INFO',
    POWERTOOLS_SERVICE_NAME: 'grantkeeper',
    POWERTOOLS_METRICS_NAMESPACE: 'Grantkeeper/dev',
    NODE_OPTIONS: '--enable-source-maps',
  };
  const SANDBOX = { GK_PROVIDER_ENVIRONMENT: 'sandbox' };
  const BINDING = { GK_CONNECT_BINDING: 'interstitial', GK_CONNECT_ACCESS: 'session' };
  const FRONTEND = { GK_FRONTEND_URL: 'http://localhost:3000' };
  const PARTNER = { GK_PARTNER_NAME: 'Grantkeeper (dev)' };
  const MARGINS = { GK_REFRESH_AHEAD_SECONDS: '1800', GK_ON_DEMAND_SECONDS: '300', GK_KEEP_ALIVE_DAYS: '14' };
  const LEASE = { GK_LEASE_SECONDS: '125' };
  const EVENTS = { GK_EVENT_BUS: 'grantkeeper-dev' };
  const KEY = { GK_KEY_ARN: 'TokenKey.Arn' };
  const REFRESH = { GK_REFRESH_GRANT_FUNCTION: 'refreshgrantFunction' };
  const FINISH = { GK_FINISH_CONNECT_FUNCTION: 'finishconnectFunction' };
  const GRANTS = { GK_TABLE_GRANTS: 'Tablesgrants' };
  const CONNECTIONS = { GK_TABLE_CONNECTIONS: 'Tablesconnections' };
  const FLOWS = { GK_TABLE_FLOWS: 'Tablesflows' };
  const AUDIT = { GK_TABLE_AUDIT: 'Tablesaudit' };
  const RESCUE = { GK_RESCUE_QUEUE_URL: 'RescueQueue' };
  const RECORDS = { ...GRANTS, ...CONNECTIONS, ...AUDIT };
  const PROVIDERS = { ...SANDBOX, ...MARGINS, ...LEASE, ...EVENTS, ...KEY, ...RESCUE, ...RECORDS };
  const REFRESHER = {
    ...PROVIDERS,
    GK_RESCUE_DEAD_LETTER_URL: 'RescueDeadLetter',
    GK_CIRCUIT_FAILURES: '3',
    GK_CIRCUIT_RESET_SECONDS: '60',
    GK_BACKOFF_BASE_MS: '1000',
    GK_BACKOFF_CAP_SECONDS: '300',
  };
  const SWEEP = { GK_REFRESH_DUE_FUNCTION: 'grantkeeper-dev-refresh-due' };

  test.for<[string, Record<string, string>]>([
    ['authorizer', { GK_TABLE_API_KEYS: 'TablesapiKeys' }],
    ['create-connect-session', { ...CONNECTIONS, ...FLOWS, ...AUDIT }],
    ['connect-session-status', FLOWS],
    ['connect', { ...SANDBOX, ...PARTNER, ...BINDING, ...FLOWS }],
    ['callback', { ...FRONTEND, ...FINISH, ...CONNECTIONS, ...FLOWS, ...AUDIT }],
    ['choose', { ...FRONTEND, ...PARTNER, ...FINISH, ...FLOWS }],
    ['finish-connect', { ...PROVIDERS, ...FLOWS }],
    ['status', { ...CONNECTIONS, ...GRANTS }],
    ['disconnect', { ...MARGINS, ...EVENTS, ...REFRESH, ...RECORDS }],
    ['get-token', { ...MARGINS, ...KEY, ...REFRESH, GK_ALLOW_SHARED_GRANTS: 'false', ...CONNECTIONS, ...GRANTS }],
    ['refresh-grant', REFRESHER],
    ['refresh-due', { ...REFRESHER, ...SWEEP, GK_TABLE_KEY_ARN: 'TableKey.Arn' }],
    ['rescue', { ...MARGINS, ...EVENTS, ...GRANTS, ...AUDIT }],
  ])('%s has those it reads', ([name, variables]) => {
    expect(functionOf(name).Environment.Variables).toEqual({ ...ALWAYS, ...variables });
  });

  test('in local, those who build provider URLs know the simulators, and the browser’s URLs are the local port', () => {
    const providerOrigins = { quickbooks: 'http://localhost:9001', xero: 'http://localhost:9002' };
    const local = resourcesOf(
      buildApp({ env: 'local', publicOrigin: 'http://localhost:9090', providerOrigins }).service,
    );
    const withOrigins = ofType(local, 'AWS::Lambda::Function')
      .filter(({ properties }) => 'GK_PROVIDER_ORIGINS' in properties.Environment.Variables)
      .map(({ properties }) => [properties.FunctionName, properties.Environment.Variables.GK_PROVIDER_ORIGINS]);
    const origins = '{"quickbooks":"http://localhost:9001","xero":"http://localhost:9002"}';
    expect(withOrigins).toEqual([
      ['grantkeeper-local-connect', origins],
      ['grantkeeper-local-finish-connect', origins],
      ['grantkeeper-local-get-token', origins],
      ['grantkeeper-local-refresh-grant', origins],
      ['grantkeeper-local-refresh-due', origins],
    ]);
    expect(functionOf('callback', local).Environment.Variables).toMatchObject({
      GK_PUBLIC_URL: 'http://localhost:9090/api',
      GK_FRONTEND_URL: 'http://localhost:9090',
    });
    expect(functionOf('create-connect-session', local).Environment.Variables).toMatchObject({
      GK_PUBLIC_URL: 'http://localhost:9090/api',
      GK_RETURN_URLS: 'http://localhost:9090',
    });
  });
});

describe('asynchronous invocations', () => {
  test('the refreshers and finish-connect are asked once, and forgotten after a minute', () => {
    const configs = ofType(resources, 'AWS::Lambda::EventInvokeConfig').map(({ properties }) => [
      properties.FunctionName,
      properties.MaximumRetryAttempts,
      properties.MaximumEventAgeInSeconds,
    ]);
    expect(configs).toEqual([
      ['finishconnectFunction', 0, 60],
      ['refreshgrantFunction', 0, 60],
      ['refreshdueFunction', 0, 60],
    ]);
  });

  test('eight runs of the sweep at a time are allowed and no other function is limited', () => {
    const limits = ofType(resources, 'AWS::Lambda::Function')
      .filter(({ properties }) => properties.ReservedConcurrentExecutions !== undefined)
      .map(({ properties }) => [properties.FunctionName, properties.ReservedConcurrentExecutions]);
    expect(limits).toEqual([['grantkeeper-dev-refresh-due', 8]]);
  });

  test('refresh-due is asked every minute for what is due and every day for a repair, and by no other service', () => {
    const rules = ofType(resources, 'AWS::Events::Rule').map(({ properties }) => properties);
    expect(rules.map(({ ScheduleExpression, State, Targets }) => [ScheduleExpression, State, Targets])).toEqual([
      ['rate(1 minute)', 'ENABLED', [{ Arn: 'refreshdueFunction.Arn', Id: 'Target0' }]],
      ['rate(1 day)', 'ENABLED', [{ Arn: 'refreshdueFunction.Arn', Id: 'Target0', Input: '{"task":"repair"}' }]],
    ]);
    expect(ofType(resources, 'AWS::Lambda::Permission').map(({ properties }) => properties)).toEqual([
      {
        Action: 'lambda:InvokeFunction',
        FunctionName: 'refreshdueFunction.Arn',
        Principal: 'events.amazonaws.com',
        SourceArn: 'SweepEveryMinute.Arn',
      },
      {
        Action: 'lambda:InvokeFunction',
        FunctionName: 'refreshdueFunction.Arn',
        Principal: 'events.amazonaws.com',
        SourceArn: 'SweepEveryDay.Arn',
      },
    ]);
  });

  test('messages of the rescue queue come to rescue in tens, and each is judged by itself', () => {
    expect(ofType(resources, 'AWS::Lambda::EventSourceMapping').map(({ properties }) => properties)).toEqual([
      {
        FunctionName: 'rescueFunction',
        EventSourceArn: 'RescueQueue.Arn',
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    ]);
  });
});
