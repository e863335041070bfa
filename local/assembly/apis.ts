import type { Collection, Resource } from './collect.ts';
import type { ApiAuthorizer, ApiIntegration, ApiMethod, ApiResource, GatewayResponse } from './model.ts';
import { AssemblyError, isRecord } from './template.ts';

/** API Gateway's limit for a REST integration and default of an authorizer's cache (API Gateway quotas, CreateAuthorizer). */
const DEFAULT_INTEGRATION_TIMEOUT_MS = 29_000;
const DEFAULT_AUTHORIZER_TTL_SECONDS = 300;

const LAMBDA_URI = /:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/;

/** The REST APIs with their methods. Integrations other than Lambda proxy and mock are reported as not run. */
export function readApis(collection: Collection): readonly ApiResource[] {
  return collection.ofType('AWS::ApiGateway::RestApi').map((api) => {
    if (api.properties.Body !== undefined)
      throw new AssemblyError(`${api.logicalId}: an OpenAPI Body is not supported`);
    if (api.properties.BinaryMediaTypes !== undefined) collection.report(api, 'BinaryMediaTypes is ignored');
    const isPart = (resource: Resource) => resource.properties.RestApiId === api.identity.ref;
    const [stage, ...otherStages] = collection.ofType('AWS::ApiGateway::Stage').filter(isPart);
    if (stage === undefined) throw new AssemblyError(`${api.logicalId} has no stage`);
    for (const other of otherStages) collection.report(other, 'only the first stage of an API is served');
    for (const setting of ['MethodSettings', 'AccessLogSetting', 'Variables']) {
      if (stage.properties[setting] !== undefined) collection.report(stage, `${setting} is ignored`);
    }
    return {
      id: api.identity.ref,
      stage: stage.identity.ref,
      methods: collection
        .ofType('AWS::ApiGateway::Method')
        .filter(isPart)
        .flatMap((method) => readMethod(collection, api, method)),
      gatewayResponses: Object.fromEntries(
        collection
          .ofType('AWS::ApiGateway::GatewayResponse')
          .filter(isPart)
          .map(({ properties }) => [String(properties.ResponseType), readGatewayResponse(properties)]),
      ),
    };
  });
}

function readMethod(collection: Collection, api: Resource, method: Resource): readonly ApiMethod[] {
  const { properties } = method;
  const integration = readIntegration(properties.Integration);
  const authorization = String(properties.AuthorizationType ?? 'NONE');
  if (integration === undefined || (authorization !== 'NONE' && authorization !== 'CUSTOM')) {
    collection.report(method, `${integration === undefined ? 'its integration' : authorization} is not supported`);
    return [];
  }
  return [
    {
      httpMethod: String(properties.HttpMethod),
      path: pathOf(collection, api, properties.ResourceId),
      resourceId: String(properties.ResourceId),
      integration,
      ...(authorization === 'CUSTOM' ? { authorizer: readAuthorizer(collection, properties.AuthorizerId) } : {}),
    },
  ];
}

function pathOf(collection: Collection, api: Resource, resourceId: unknown): string {
  const parts: string[] = [];
  for (let id = resourceId; id !== api.identity.attributes.RootResourceId; ) {
    const resource = collection.find(id, 'AWS::ApiGateway::Resource');
    parts.unshift(String(resource.properties.PathPart));
    id = resource.properties.ParentId;
  }
  return `/${parts.join('/')}`;
}

function readIntegration(integration: unknown): ApiIntegration | undefined {
  if (!isRecord(integration)) return undefined;
  if (integration.Type === 'MOCK') return readMock(integration);
  const functionArn = LAMBDA_URI.exec(String(integration.Uri))?.[1];
  if (integration.Type !== 'AWS_PROXY' || functionArn === undefined) return undefined;
  return {
    kind: 'lambda',
    functionArn,
    timeoutMs: Number(integration.TimeoutInMillis ?? DEFAULT_INTEGRATION_TIMEOUT_MS),
  };
}

/** A mock answers with the first integration response: constant headers, the JSON template as it stands. */
function readMock(integration: Record<string, unknown>): ApiIntegration {
  const [response] = Array.isArray(integration.IntegrationResponses) ? integration.IntegrationResponses : [];
  const described: Record<string, unknown> = isRecord(response) ? response : {};
  const templates = isRecord(described.ResponseTemplates) ? described.ResponseTemplates : {};
  return {
    kind: 'mock',
    statusCode: Number(described.StatusCode ?? 200),
    headers: readHeaders(described.ResponseParameters, 'method.response.header.'),
    body: String(templates['application/json'] ?? ''),
  };
}

function readAuthorizer(collection: Collection, authorizerId: unknown): ApiAuthorizer {
  const { identity, properties, logicalId } = collection.find(authorizerId, 'AWS::ApiGateway::Authorizer');
  const functionArn = LAMBDA_URI.exec(String(properties.AuthorizerUri))?.[1];
  if ((properties.Type !== 'REQUEST' && properties.Type !== 'TOKEN') || functionArn === undefined) {
    throw new AssemblyError(`${logicalId}: only REQUEST and TOKEN authorizers that are functions are supported`);
  }
  return {
    id: identity.ref,
    type: properties.Type,
    functionArn,
    identitySources: String(properties.IdentitySource ?? '')
      .split(',')
      .map((source) => source.trim())
      .filter((source) => source !== ''),
    ...(properties.IdentityValidationExpression === undefined
      ? {}
      : { validation: String(properties.IdentityValidationExpression) }),
    ttlSeconds: Number(properties.AuthorizerResultTtlInSeconds ?? DEFAULT_AUTHORIZER_TTL_SECONDS),
  };
}

function readGatewayResponse(properties: Readonly<Record<string, unknown>>): GatewayResponse {
  const templates = isRecord(properties.ResponseTemplates) ? properties.ResponseTemplates : {};
  return {
    ...(properties.StatusCode === undefined ? {} : { statusCode: Number(properties.StatusCode) }),
    headers: readHeaders(properties.ResponseParameters, 'gatewayresponse.header.'),
    templates: Object.fromEntries(Object.entries(templates).map(([type, template]) => [type, String(template)])),
  };
}

/** Response parameters that are constants, `'value'`; those mapped from a request are not used by this application. */
function readHeaders(parameters: unknown, prefix: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isRecord(parameters) ? parameters : {})) {
    const constant = /^'(.*)'$/.exec(String(value))?.[1];
    if (constant === undefined) throw new AssemblyError(`the response parameter ${name} is not a constant`);
    headers[name.slice(prefix.length)] = constant;
  }
  return headers;
}
