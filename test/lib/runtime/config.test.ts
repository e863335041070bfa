import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { readConfig, readLogLevel, type SettingName } from '../../../lib/runtime/config.ts';

const COMPLETE = {
  GK_ENVIRONMENT: 'local',
  GK_PROVIDER_ENVIRONMENT: 'sandbox',
  GK_PROVIDER_ORIGINS: '{"quickbooks":"http://localhost:9001"}',
  GK_KEY_ARN: 'arn:aws:kms:us-east-1:000000000000:key/1234',
  GK_FRONTEND_URL: 'https://app.example.com/',
  GK_PUBLIC_URL: 'http://localhost:8080/api',
  GK_RETURN_URLS: 'https://a.example.com, https://b.example.com/back',
  GK_CONNECT_BINDING: 'interstitial',
  GK_CONNECT_ACCESS: 'open',
  GK_PARTNER_NAME: 'Example Ltd',
  GK_ALLOW_SHARED_GRANTS: 'true',
  GK_REFRESH_AHEAD_SECONDS: '900',
  GK_ON_DEMAND_SECONDS: '240',
  GK_KEEP_ALIVE_DAYS: '10',
  GK_LEASE_SECONDS: '125',
  GK_EVENT_BUS: 'grantkeeper-local',
  GK_TABLE_KEY_ARN: 'arn:aws:kms:us-east-1:000000000000:key/5678',
  GK_CIRCUIT_FAILURES: '5',
  GK_CIRCUIT_RESET_SECONDS: '90',
  GK_BACKOFF_BASE_MS: '500',
  GK_BACKOFF_CAP_SECONDS: '120',
  GK_RESCUE_QUEUE_URL: 'http://127.0.0.1:4566/000000000000/grantkeeper-local-rescue',
  GK_RESCUE_DEAD_LETTER_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/grantkeeper-local-rescue-dead-letter',
  GK_REFRESH_GRANT_FUNCTION: 'grantkeeper-local-refresh-grant',
  GK_FINISH_CONNECT_FUNCTION: 'grantkeeper-local-finish-connect',
  GK_REFRESH_DUE_FUNCTION: 'grantkeeper-local-refresh-due',
  GK_TABLE_GRANTS: 'Grants-1',
  GK_TABLE_CONNECTIONS: 'Connections-1',
  GK_TABLE_FLOWS: 'Flows-1',
  GK_TABLE_API_KEYS: 'Keys-1',
  GK_TABLE_AUDIT: 'Audit-1',
};

const ALL: readonly SettingName[] = [
  ...(['environment', 'providerEnvironment', 'providerOrigins', 'keyArn', 'frontendUrl', 'publicUrl'] as const),
  ...(['returnUrls', 'connectBinding', 'connectAccess', 'partnerName', 'allowSharedGrants'] as const),
  ...(['onDemandSeconds', 'keepAliveDays', 'leaseSeconds', 'eventBus', 'tableKeyArn'] as const),
  ...(['circuitFailures', 'circuitResetSeconds', 'backoffBaseMs', 'backoffCapSeconds'] as const),
  ...(['rescueQueueUrl', 'rescueDeadLetterUrl', 'refreshDueFunction'] as const),
  ...(['refreshAheadSeconds', 'refreshGrantFunction', 'finishConnectFunction', 'grantsTable'] as const),
  ...(['connectionsTable', 'flowsTable', 'apiKeysTable', 'auditTable'] as const),
];

/** The variables of the `configuration_missing` that reading throws. */
function missing(names: readonly SettingName[], variables: Record<string, string>): unknown {
  try {
    readConfig(names, variables);
  } catch (error) {
    if (error instanceof GrantkeeperError && error.code === 'configuration_missing') return error.cause;
    throw error;
  }
  return undefined;
}

test('every setting is read in its type', () => {
  expect(readConfig(ALL, COMPLETE)).toEqual({
    environment: 'local',
    providerEnvironment: 'sandbox',
    providerOrigins: { quickbooks: 'http://localhost:9001' },
    keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1234',
    frontendUrl: 'https://app.example.com',
    publicUrl: 'http://localhost:8080/api',
    returnUrls: ['https://a.example.com', 'https://b.example.com/back'],
    connectBinding: 'interstitial',
    connectAccess: 'open',
    partnerName: 'Example Ltd',
    allowSharedGrants: true,
    refreshAheadSeconds: 900,
    onDemandSeconds: 240,
    keepAliveDays: 10,
    leaseSeconds: 125,
    eventBus: 'grantkeeper-local',
    tableKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/5678',
    circuitFailures: 5,
    circuitResetSeconds: 90,
    backoffBaseMs: 500,
    backoffCapSeconds: 120,
    rescueQueueUrl: 'http://127.0.0.1:4566/000000000000/grantkeeper-local-rescue',
    rescueDeadLetterUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/grantkeeper-local-rescue-dead-letter',
    refreshGrantFunction: 'grantkeeper-local-refresh-grant',
    finishConnectFunction: 'grantkeeper-local-finish-connect',
    refreshDueFunction: 'grantkeeper-local-refresh-due',
    grantsTable: 'Grants-1',
    connectionsTable: 'Connections-1',
    flowsTable: 'Flows-1',
    apiKeysTable: 'Keys-1',
    auditTable: 'Audit-1',
  });
});

test('all missing variables are named together, and those with a default are not', () => {
  expect(missing(ALL, {})).toEqual({
    variables: [
      'GK_ENVIRONMENT',
      'GK_PROVIDER_ENVIRONMENT',
      'GK_KEY_ARN',
      'GK_FRONTEND_URL',
      'GK_CONNECT_BINDING',
      'GK_PARTNER_NAME',
      'GK_EVENT_BUS',
      'GK_TABLE_KEY_ARN',
      'GK_RESCUE_QUEUE_URL',
      'GK_RESCUE_DEAD_LETTER_URL',
      'GK_REFRESH_DUE_FUNCTION',
      'GK_REFRESH_GRANT_FUNCTION',
      'GK_FINISH_CONNECT_FUNCTION',
      'GK_TABLE_GRANTS',
      'GK_TABLE_CONNECTIONS',
      'GK_TABLE_FLOWS',
      'GK_TABLE_API_KEYS',
      'GK_TABLE_AUDIT',
    ],
  });
});

test('what is not set has its default', () => {
  const optional = ['providerOrigins', 'publicUrl', 'returnUrls', 'connectAccess', 'allowSharedGrants'] as const;
  const tuning = ['circuitFailures', 'circuitResetSeconds', 'backoffBaseMs', 'backoffCapSeconds'] as const;
  const margins = ['refreshAheadSeconds', 'onDemandSeconds', 'keepAliveDays', 'leaseSeconds'] as const;
  expect(readConfig([...optional, ...tuning, ...margins], { GK_CONNECT_ACCESS: ' ' })).toEqual({
    providerOrigins: undefined,
    publicUrl: undefined,
    returnUrls: [],
    connectAccess: 'session',
    allowSharedGrants: false,
    circuitFailures: undefined,
    circuitResetSeconds: undefined,
    backoffBaseMs: undefined,
    backoffCapSeconds: undefined,
    refreshAheadSeconds: undefined,
    onDemandSeconds: undefined,
    keepAliveDays: undefined,
    leaseSeconds: undefined,
  });
});

test('only the settings that were asked for are looked at', () => {
  expect(readConfig(['environment'], { GK_ENVIRONMENT: 'dev', GK_KEY_ARN: 'rubbish' })).toEqual({ environment: 'dev' });
});

test('the values are in no part of the error', () => {
  expect(JSON.stringify(missing(['keyArn'], { GK_KEY_ARN: 'a-secret-put-there-by-mistake' }))).toBe(
    '{"variables":["GK_KEY_ARN"]}',
  );
});

describe('a malformed variable is named like a missing one', () => {
  test.for([
    ['environment', 'GK_ENVIRONMENT', 'My_Env'],
    ['providerEnvironment', 'GK_PROVIDER_ENVIRONMENT', 'Production'],
    ['providerOrigins', 'GK_PROVIDER_ORIGINS', 'http://localhost:9001'],
    ['providerOrigins', 'GK_PROVIDER_ORIGINS', '{"sage":"http://localhost:9001"}'],
    ['providerOrigins', 'GK_PROVIDER_ORIGINS', '{"xero":"http://example.com"}'],
    ['providerOrigins', 'GK_PROVIDER_ORIGINS', '{"xero":1}'],
    ['keyArn', 'GK_KEY_ARN', 'alias/grantkeeper'],
    ['frontendUrl', 'GK_FRONTEND_URL', 'http://app.example.com'],
    ['frontendUrl', 'GK_FRONTEND_URL', 'https://user:word@app.example.com'],
    ['frontendUrl', 'GK_FRONTEND_URL', 'app.example.com'],
    ['publicUrl', 'GK_PUBLIC_URL', 'https://api.example.com/#top'],
    ['returnUrls', 'GK_RETURN_URLS', 'https://a.example.com,'],
    ['connectBinding', 'GK_CONNECT_BINDING', 'confirmation'],
    ['connectAccess', 'GK_CONNECT_ACCESS', 'closed'],
    ['partnerName', 'GK_PARTNER_NAME', 'two\nlines'],
    ['allowSharedGrants', 'GK_ALLOW_SHARED_GRANTS', 'yes'],
    ['refreshAheadSeconds', 'GK_REFRESH_AHEAD_SECONDS', '1.5'],
    ['refreshAheadSeconds', 'GK_REFRESH_AHEAD_SECONDS', '86401'],
    ['onDemandSeconds', 'GK_ON_DEMAND_SECONDS', '3601'],
    ['keepAliveDays', 'GK_KEEP_ALIVE_DAYS', '31'],
    ['leaseSeconds', 'GK_LEASE_SECONDS', '124'],
    ['leaseSeconds', 'GK_LEASE_SECONDS', '601'],
    ['eventBus', 'GK_EVENT_BUS', 'a bus'],
    ['tableKeyArn', 'GK_TABLE_KEY_ARN', 'alias/table'],
    ['circuitFailures', 'GK_CIRCUIT_FAILURES', '1'],
    ['circuitFailures', 'GK_CIRCUIT_FAILURES', '101'],
    ['circuitResetSeconds', 'GK_CIRCUIT_RESET_SECONDS', '0'],
    ['backoffBaseMs', 'GK_BACKOFF_BASE_MS', '60001'],
    ['backoffCapSeconds', 'GK_BACKOFF_CAP_SECONDS', 'five minutes'],
    ['rescueQueueUrl', 'GK_RESCUE_QUEUE_URL', 'grantkeeper-dev-rescue'],
    ['rescueDeadLetterUrl', 'GK_RESCUE_DEAD_LETTER_URL', 'http://sqs.example.com/1/x'],
    ['refreshGrantFunction', 'GK_REFRESH_GRANT_FUNCTION', 'a function'],
    ['refreshDueFunction', 'GK_REFRESH_DUE_FUNCTION', 'a function'],
    ['grantsTable', 'GK_TABLE_GRANTS', 'a/b/c'],
  ] as const)('%s: %s=%s', ([name, variable, value]) => {
    expect(missing([name], { ...COMPLETE, [variable]: value })).toEqual({ variables: [variable] });
  });
});

test('provider origins are refused everywhere but in the local environment', () => {
  expect(missing(['providerOrigins'], { ...COMPLETE, GK_ENVIRONMENT: 'dev' })).toEqual({
    variables: ['GK_PROVIDER_ORIGINS'],
  });
});

test.for([
  ['debug', 'DEBUG'],
  ['ERROR', 'ERROR'],
  ['loud', 'INFO'],
  [undefined, 'INFO'],
] as const)('log level %s is read as %s', ([value, level]) => {
  expect(readLogLevel({ GK_LOG_LEVEL: value })).toBe(level);
});
