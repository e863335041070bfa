import { beforeAll, describe, expect, test } from 'vitest';
import { firewallMetricName } from '../../infra/web-firewall.ts';
import { ROUTES, type RouteName, routePath } from '../../lib/domain/routes.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp({ firewallRequestsPer5Minutes: 4000, firewallConnectRequestsPer5Minutes: 50 }).edge);
});

function acl(): Resource['properties'] {
  const [found, ...others] = ofType(resources, 'AWS::WAFv2::WebACL');
  expect(others).toEqual([]);
  return found?.properties ?? {};
}

const seen = (MetricName: string) => ({ MetricName, CloudWatchMetricsEnabled: true, SampledRequestsEnabled: false });

const CONNECT_PATHS = '^/api(/v1/oauth/[^/]+/connect/[^/]+|/v1/oauth/[^/]+/callback|/v1/oauth/[^/]+/choose)';

test('an address is refused beyond its limit: the tighter one on paths without a key, the other on all', () => {
  expect(acl()).toEqual({
    Name: 'grantkeeper-dev',
    Description: 'Grantkeeper dev: limits per address',
    Scope: 'REGIONAL',
    DefaultAction: { Allow: {} },
    VisibilityConfig: seen('grantkeeper-dev'),
    Rules: [
      {
        Name: 'connect',
        Priority: 0,
        Action: { Block: {} },
        VisibilityConfig: seen('connect'),
        Statement: {
          RateBasedStatement: {
            AggregateKeyType: 'IP',
            EvaluationWindowSec: 300,
            Limit: 50,
            ScopeDownStatement: {
              RegexMatchStatement: {
                RegexString: CONNECT_PATHS,
                FieldToMatch: { UriPath: {} },
                TextTransformations: [
                  { Priority: 0, Type: 'URL_DECODE' },
                  { Priority: 1, Type: 'NORMALIZE_PATH' },
                ],
              },
            },
          },
        },
      },
      {
        Name: 'every-path',
        Priority: 1,
        Action: { Block: {} },
        VisibilityConfig: seen('every-path'),
        Statement: { RateBasedStatement: { AggregateKeyType: 'IP', EvaluationWindowSec: 300, Limit: 4000 } },
      },
    ],
  });
  expect(firewallMetricName('dev')).toBe('grantkeeper-dev');
});

describe('the tighter limit counts', () => {
  const names = Object.keys(ROUTES) as readonly RouteName[];
  test.for(names.map((name) => [name, ROUTES[name].auth.kind === 'browser'] as const))('%s: %j', ([name, counts]) => {
    const path = routePath(name, { provider: 'xero', organization_id: 'acme.1', session_id: 's-1' });
    expect(new RegExp(CONNECT_PATHS).test(`/api${path}`)).toBe(counts);
  });
});

test('no metric has a name that AWS WAF keeps for itself', () => {
  const names = [acl(), ...acl().Rules].map(({ VisibilityConfig }) => VisibilityConfig.MetricName.toLowerCase());
  expect(names.filter((name) => ['all', 'default_action'].includes(name))).toEqual([]);
});

test('it stands in front of the stage', () => {
  expect(ofType(resources, 'AWS::WAFv2::WebACLAssociation').map(({ properties }) => properties)).toEqual([
    {
      WebACLArn: 'FirewallAcl.Arn',
      ResourceArn: 'arn:aws:apigateway:us-east-1::/restapis/ApiRest/stages/ApiRestDeploymentStageapi',
    },
  ]);
});

test('it writes no log, in which query strings would stand', () => {
  expect(ofType(resources, 'AWS::WAFv2::LoggingConfiguration')).toEqual([]);
});
