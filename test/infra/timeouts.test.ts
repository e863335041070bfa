import { beforeAll, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../infra/environments.ts';
import { ATTEMPT_MS, LEASE_MS } from '../../lib/domain/acquire-decision.ts';
import { TOKEN_LIMITS } from '../../lib/oauth/token-endpoint.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
let edge: readonly Resource[];
let stateful: readonly Resource[];
beforeAll(() => {
  const built = buildApp();
  resources = resourcesOf(built.service);
  edge = resourcesOf(built.edge);
  stateful = resourcesOf(built.stateful);
});

/** What the template gives the function, in milliseconds. */
function timeoutOf(name: string): number {
  const all = ofType(resources, 'AWS::Lambda::Function').map(({ properties }) => properties);
  return all.find(({ FunctionName }) => FunctionName === `grantkeeper-dev-${name}`)?.Timeout * 1000;
}

/** The longest a provider can keep a token request. */
const CALL_MS = TOKEN_LIMITS.connectMs + TOKEN_LIMITS.answerMs;

describe('a refresh ends before whatever stands around it', () => {
  test('the provider’s call before the attempt, with time left to commit what it brought', () => {
    expect({ CALL_MS, ATTEMPT_MS }).toEqual({ CALL_MS: 50_000, ATTEMPT_MS: 70_000 });
    expect(ATTEMPT_MS - CALL_MS).toBeGreaterThanOrEqual(20_000);
  });

  test.for(['refresh-grant', 'refresh-due'])('the attempt before %s, with time left to answer', (name) => {
    expect(timeoutOf(name) - ATTEMPT_MS).toBeGreaterThanOrEqual(10_000);
  });

  test('refresh-grant, and an attempt of refresh-due, before the lease', () => {
    expect(timeoutOf('refresh-grant')).toBeLessThan(LEASE_MS);
    expect(ATTEMPT_MS).toBeLessThan(LEASE_MS);
  });

  test('no lease can be configured that is shorter than that, and the default is it', () => {
    expect(DEFAULTS.leaseSeconds).toBe(LEASE_MS / 1000);
    expect(() => buildApp({ leaseSeconds: LEASE_MS / 1000 - 1 })).toThrow('leaseSeconds: Too small');
  });
});

describe('an exchange ends before whatever stands around it', () => {
  test('the provider’s call before finish-connect, with time left to store, name the company and link', () => {
    expect(timeoutOf('finish-connect') - CALL_MS).toBeGreaterThanOrEqual(30_000);
  });

  test.for(['callback', 'choose'])('%s, which waits for it, before API Gateway does', (name) => {
    const [method] = ofType(edge, 'AWS::ApiGateway::Method');
    expect(method?.properties.Integration.TimeoutInMillis).toBe(undefined);
    // The default of a REST API's integration.
    expect(timeoutOf(name)).toBeLessThanOrEqual(29_000);
  });
});

test('rescue ends before its messages are given to another run', () => {
  const [, queue] = ofType(stateful, 'AWS::SQS::Queue').map(({ properties }) => properties);
  expect(queue?.QueueName).toBe('grantkeeper-dev-rescue');
  // AWS: six times the function's timeout, so that retries within the poller fit.
  expect(timeoutOf('rescue') * 6).toBeLessThan(queue?.VisibilityTimeout * 1000);
});
