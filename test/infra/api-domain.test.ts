import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

const DOMAIN = {
  name: 'tokens.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
};

function of(resources: readonly Resource[], type: string): readonly Resource['properties'][] {
  return ofType(resources, type).map(({ properties }) => properties);
}

describe('with a domain', () => {
  const { edge, service } = buildApp({ domain: { ...DOMAIN, hostedZoneId: 'Z0123456789ABCDEFGHIJ' } });
  const resources = resourcesOf(edge);

  test('the API answers under that name with TLS 1.2, below the same path as at its own address', () => {
    expect(of(resources, 'AWS::ApiGateway::DomainName')).toEqual([
      {
        DomainName: 'tokens.example.com',
        EndpointConfiguration: { Types: ['REGIONAL'] },
        RegionalCertificateArn: DOMAIN.certificateArn,
        SecurityPolicy: 'TLS_1_2',
      },
    ]);
    expect(of(resources, 'AWS::ApiGateway::BasePathMapping')).toEqual([
      { BasePath: 'api', DomainName: 'DomainName', RestApiId: 'ApiRest', Stage: 'ApiRestDeploymentStageapi' },
    ]);
  });

  test('its own address is shut', () => {
    expect(of(resources, 'AWS::ApiGateway::RestApi').map((api) => api.DisableExecuteApiEndpoint)).toEqual([true]);
  });

  test('the zone leads the name to it', () => {
    expect(of(resources, 'AWS::Route53::RecordSet')).toEqual([
      {
        Name: 'tokens.example.com.',
        Type: 'A',
        HostedZoneId: 'Z0123456789ABCDEFGHIJ',
        AliasTarget: { DNSName: 'DomainName.RegionalDomainName', HostedZoneId: 'DomainName.RegionalHostedZoneId' },
      },
    ]);
  });

  test('functions and the deployer are told that URL', () => {
    const told = of(resourcesOf(service), 'AWS::Lambda::Function')
      .map(({ FunctionName, Environment }) => [FunctionName, Environment.Variables.GK_PUBLIC_URL])
      .filter(([, url]) => url !== undefined);
    expect(told).toEqual(
      ['create-connect-session', 'connect', 'callback', 'choose'].map((name) => [
        `grantkeeper-dev-${name}`,
        'https://tokens.example.com/api',
      ]),
    );
    expect(Template.fromStack(edge).toJSON().Outputs.ApiUrl.Value).toBe('https://tokens.example.com/api');
  });
});

test('without a zone the name is left to whoever has it, and what it must lead to is told', () => {
  const { edge } = buildApp({ domain: DOMAIN });
  expect(of(resourcesOf(edge), 'AWS::Route53::RecordSet')).toEqual([]);
  expect(Template.fromStack(edge).toJSON().Outputs.DomainTarget).toMatchObject({
    Description: 'What tokens.example.com must be an alias (CNAME) of',
    Value: { 'Fn::GetAtt': [expect.stringMatching(/^DomainName/), 'RegionalDomainName'] },
  });
});

test('without a domain there is no name and the API’s own address is open', () => {
  const resources = resourcesOf(buildApp().edge);
  expect(of(resources, 'AWS::ApiGateway::DomainName')).toEqual([]);
  expect(of(resources, 'AWS::ApiGateway::RestApi').map((api) => api.DisableExecuteApiEndpoint)).toEqual([false]);
});
