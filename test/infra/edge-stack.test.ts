import { beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../lib/domain/errors.ts';
import { ROUTES, type Route } from '../../lib/domain/routes.ts';
import { SECURITY_HEADERS } from '../../lib/runtime/http-answer.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp().edge);
});

const routes: readonly Route[] = Object.values(ROUTES);

/** Path of a resource, by its logical id without the hash. */
function pathOf(id: string): string {
  const resource = ofType(resources, 'AWS::ApiGateway::Resource').find(
    ({ logicalId }) => logicalId.slice(0, -8) === id,
  );
  return resource === undefined ? '' : `${pathOf(resource.properties.ParentId)}/${resource.properties.PathPart}`;
}

function methods() {
  return ofType(resources, 'AWS::ApiGateway::Method').map(({ properties }) => ({
    method: properties.HttpMethod,
    path: pathOf(properties.ResourceId),
    integration: properties.Integration,
    authorization: properties.AuthorizationType,
    authorizer: properties.AuthorizerId,
  }));
}

describe('routes', () => {
  test('are those of the route table, each to its function, with the authorizer where a key is needed', () => {
    const found = methods().map(({ integration, ...method }) => ({
      ...method,
      function: /functions\/(\w+)Function\.Arn\/invocations$/.exec(integration.Uri)?.[1],
      type: integration.Type,
    }));
    const wanted = routes.map((route) => ({
      method: route.method,
      path: route.path,
      authorization: route.auth.kind === 'key' ? 'CUSTOM' : 'NONE',
      authorizer: route.auth.kind === 'key' ? 'AuthorizerRequest' : undefined,
      function: route.function.replaceAll('-', ''),
      type: 'AWS_PROXY',
    }));
    const inOrder = (a: { path: string; method: string }, b: { path: string; method: string }) =>
      `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`);
    expect(found.sort(inOrder)).toEqual(wanted.sort(inOrder));
  });

  test('are open to anybody only where a user’s browser comes', () => {
    const open = methods().filter(({ authorization }) => authorization !== 'CUSTOM');
    expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /v1/oauth/{provider}/callback',
      'GET /v1/oauth/{provider}/choose',
      'GET /v1/oauth/{provider}/connect/{organization_id}',
      'POST /v1/oauth/{provider}/choose',
      'POST /v1/oauth/{provider}/connect/{organization_id}',
    ]);
  });

  test('are throttled one by one, after a line for all that turns execution logs off', () => {
    const [stage] = ofType(resources, 'AWS::ApiGateway::Stage');
    expect(stage?.properties.StageName).toBe('api');
    const [all, ...settings] = stage?.properties.MethodSettings ?? [];
    expect(all).toEqual({
      DataTraceEnabled: false,
      HttpMethod: '*',
      LoggingLevel: 'OFF',
      ResourcePath: '/*',
      ThrottlingRateLimit: 100,
      ThrottlingBurstLimit: 200,
    });
    expect(settings).toEqual(
      routes.map((route) => ({
        DataTraceEnabled: false,
        HttpMethod: route.method,
        ResourcePath: `/${route.path.replaceAll('/', '~1')}`,
        ThrottlingRateLimit: route.throttle.ratePerSecond,
        ThrottlingBurstLimit: route.throttle.burst,
      })),
    );
  });

  test('may each be invoked by the gateway for that method and path only', () => {
    const sources = ofType(resources, 'AWS::Lambda::Permission')
      .map(({ properties }) => `${properties.FunctionName} ${properties.SourceArn.split(':').at(-1)}`)
      .sort();
    expect(sources).toEqual(
      [
        'authorizerFunction.Arn ApiRest/authorizers/AuthorizerRequest',
        'callbackFunction.Arn ApiRest/ApiRestDeploymentStageapi/GET/v1/oauth/*/callback',
        'chooseFunction.Arn ApiRest/ApiRestDeploymentStageapi/GET/v1/oauth/*/choose',
        'chooseFunction.Arn ApiRest/ApiRestDeploymentStageapi/POST/v1/oauth/*/choose',
        'connectFunction.Arn ApiRest/ApiRestDeploymentStageapi/GET/v1/oauth/*/connect/*',
        'connectFunction.Arn ApiRest/ApiRestDeploymentStageapi/POST/v1/oauth/*/connect/*',
        'connectsessionstatusFunction.Arn ApiRest/ApiRestDeploymentStageapi/GET/v1/connect-sessions/*',
        'createconnectsessionFunction.Arn ApiRest/ApiRestDeploymentStageapi/POST/v1/connect-sessions',
        'disconnectFunction.Arn ApiRest/ApiRestDeploymentStageapi/POST/v1/oauth/*/disconnect/*',
        'statusFunction.Arn ApiRest/ApiRestDeploymentStageapi/GET/v1/oauth/*/status/*',
      ].sort(),
    );
  });
});

test('the authorizer judges X-API-Key and its verdict is remembered for a minute', () => {
  const [authorizer, ...others] = ofType(resources, 'AWS::ApiGateway::Authorizer');
  expect(others).toEqual([]);
  expect(authorizer?.properties).toMatchObject({
    Type: 'REQUEST',
    IdentitySource: 'method.request.header.X-API-Key',
    AuthorizerResultTtlInSeconds: 60,
  });
});

test('no log holds a query string: the access log does not name it, execution logs and traces are off', () => {
  const [stage] = ofType(resources, 'AWS::ApiGateway::Stage');
  const { AccessLogSetting, MethodSettings, TracingEnabled } = stage?.properties ?? {};
  // Variables that hold it, or the whole request: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
  expect(AccessLogSetting.Format).not.toMatch(/querystring|requestOverride|input\.|multivalue/i);
  const loud = MethodSettings.filter(({ LoggingLevel, DataTraceEnabled }: Record<string, unknown>) => {
    return (LoggingLevel ?? 'OFF') !== 'OFF' || DataTraceEnabled === true;
  });
  expect([loud, TracingEnabled]).toEqual([[], undefined]);
});

test('the access log names the request without query string, body or headers', () => {
  const [stage] = ofType(resources, 'AWS::ApiGateway::Stage');
  const { Format, DestinationArn } = stage?.properties.AccessLogSetting ?? {};
  expect(JSON.parse(Format)).toEqual({
    requestId: '$context.requestId',
    time: '$context.requestTime',
    method: '$context.httpMethod',
    route: '$context.resourcePath',
    path: '$context.path',
    status: '$context.status',
    sourceIp: '$context.identity.sourceIp',
    userAgent: '$context.identity.userAgent',
    key: '$context.authorizer.principalId',
    latencyMs: '$context.responseLatency',
    integrationMs: '$context.integrationLatency',
    responseBytes: '$context.responseLength',
    refusal: '$context.error.responseType',
  });
  expect(DestinationArn).toMatch(/:log-group:ApiAccessLogs$/);
  expect(ofType(resources, 'AWS::Logs::LogGroup').map(({ properties }) => properties)).toEqual([
    { LogGroupName: '/grantkeeper/dev/access', RetentionInDays: 14 },
  ]);
});

describe('the gateway’s own refusals', () => {
  test.for([
    ['UNAUTHORIZED', undefined, 'unauthorized'],
    ['ACCESS_DENIED', undefined, 'forbidden'],
    ['MISSING_AUTHENTICATION_TOKEN', '404', 'not_found'],
    ['RESOURCE_NOT_FOUND', undefined, 'not_found'],
    ['THROTTLED', undefined, 'rate_limited'],
    ['WAF_FILTERED', '429', 'rate_limited'],
    ['QUOTA_EXCEEDED', undefined, 'rate_limited'],
    ['INTEGRATION_TIMEOUT', undefined, 'unavailable'],
    ['DEFAULT_4XX', undefined, 'invalid_request'],
    ['DEFAULT_5XX', undefined, 'internal_error'],
  ] as const)('%s has our shape, our words and is not cached', ([type, status, code]) => {
    const response = ofType(resources, 'AWS::ApiGateway::GatewayResponse').find(
      ({ properties }) => properties.ResponseType === type,
    );
    expect(response?.properties).toEqual({
      ResponseType: type,
      RestApiId: 'ApiRest',
      ...(status === undefined ? {} : { StatusCode: status }),
      ResponseParameters: {
        'gatewayresponse.header.Cache-Control': "'no-store, no-cache'",
        'gatewayresponse.header.X-Content-Type-Options': "'nosniff'",
        'gatewayresponse.header.Strict-Transport-Security': "'max-age=31536000; includeSubDomains'",
      },
      ResponseTemplates: {
        'application/json': `{"error":{"code":"${code}","message":"${ERRORS[code].message}","correlation_id":"$context.requestId"}}`,
      },
    });
  });

  test('have headers that say the same as those of the functions', () => {
    const [response] = ofType(resources, 'AWS::ApiGateway::GatewayResponse');
    const own = Object.entries<string>(response?.properties.ResponseParameters).map(([name, value]) => [
      name.replace('gatewayresponse.header.', '').toLowerCase(),
      value.slice(1, -1),
    ]);
    expect(SECURITY_HEADERS).toMatchObject(Object.fromEntries(own));
  });

  test('are these ten', () => {
    expect(ofType(resources, 'AWS::ApiGateway::GatewayResponse')).toHaveLength(10);
  });
});
