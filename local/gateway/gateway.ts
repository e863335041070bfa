import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCOUNT, REGION } from '../assembly/intrinsics.ts';
import type { ApiIntegration, ApiResource, PermissionResource } from '../assembly/model.ts';
import { matchesWildcard } from '../aws/iam-patterns.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { type AuthorizerContext, createAuthorizers } from './authorizer.ts';
import { readProxyResponse } from './proxy-response.ts';
import { baseEvent, type GatewayRequest, MAX_BODY_BYTES, readRequest } from './request.ts';
import { checkGatewayResponses, GatewayRefusal, type HttpAnswer, renderRefusal } from './responses.ts';
import { findRoute, type MatchedRoute } from './router.ts';

export interface GatewayOptions {
  readonly api: ApiResource;
  readonly permissions: readonly PermissionResource[];
  readonly runtime: Pick<LambdaRuntime, 'resolve' | 'invoke'>;
  /** The platform's clock: request times and the authorizer's cache. */
  now(): number;
}

/** A REST API of the template, served over HTTP. */
export interface Gateway {
  /** Whether a path belongs to the API: `/<stage>` or below. */
  serves(path: string): boolean;
  /** Answers one request completely. Does not reject. */
  handle(incoming: IncomingMessage, response: ServerResponse): Promise<void>;
}

/**
 * API Gateway's REST flavour: resources with path parameters, Lambda proxy and mock integrations, Lambda authorizers,
 * the template's gateway responses, and the 29 s limit (real time). A function is only called where the template's
 * permissions let API Gateway call it. Throws `AssemblyError` for a response template that it cannot fill.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { api } = options;
  checkGatewayResponses(api);
  const authorizers = createAuthorizers({
    api,
    now: options.now,
    async call(authorizer, event) {
      const source = `authorizers/${authorizer.id}`;
      const result = await callFunction(options, { functionArn: authorizer.functionArn, source, event });
      return result.kind === 'answered'
        ? { answer: JSON.parse(result.payload) as unknown }
        : { errorMessage: result.failure.errorMessage };
    },
  });

  async function answer(request: GatewayRequest): Promise<HttpAnswer> {
    if (request.body.byteLength > MAX_BODY_BYTES) throw new GatewayRefusal('REQUEST_TOO_LARGE');
    const route = findRoute(api.methods, request.httpMethod, request.path);
    if (route === undefined) throw new GatewayRefusal('MISSING_AUTHENTICATION_TOKEN');
    const { authorizer, integration } = route.method;
    const context = authorizer && (await authorizers.authorize(authorizer, route, request));
    if (integration.kind === 'mock') return mockAnswer(integration, request);
    return await callIntegration(options, { route, integration, request, context });
  }

  return {
    serves: (path) => path === `/${api.stage}` || path.startsWith(`/${api.stage}/`),
    async handle(incoming, response) {
      const request = await readRequest(incoming, { stage: api.stage, now: options.now() }).catch(() => undefined);
      if (request === undefined) {
        response.destroy();
        return;
      }
      try {
        send(response, await answer(request));
      } catch (error) {
        const refusal = error instanceof GatewayRefusal ? error : new GatewayRefusal('API_CONFIGURATION_ERROR');
        if (refusal !== error) console.error('gateway: internal failure', error);
        send(response, renderRefusal(api, refusal, request));
      }
    },
  };
}

async function callIntegration(
  options: GatewayOptions,
  {
    route,
    integration,
    request,
    context,
  }: {
    readonly route: MatchedRoute;
    readonly integration: Extract<ApiIntegration, { kind: 'lambda' }>;
    readonly request: GatewayRequest;
    readonly context: AuthorizerContext | undefined;
  },
): Promise<HttpAnswer> {
  const base = baseEvent(options.api, route, request);
  const event = {
    ...base,
    requestContext: { ...(base.requestContext as object), ...(context === undefined ? {} : { authorizer: context }) },
    body: request.body.byteLength === 0 ? null : request.body.toString(),
    isBase64Encoded: false,
  };
  const source = `${options.api.stage}/${request.httpMethod}${request.path}`;
  const called = callFunction(options, { functionArn: integration.functionArn, source, event });
  const result = await withTimeout(called, integration.timeoutMs);
  if (result.kind === 'failed') throw new GatewayRefusal('INTEGRATION_FAILURE');
  return readProxyResponse(JSON.parse(result.payload), request.requestId);
}

/** Invokes a function in API Gateway's name, if a permission lets it; `source` is what follows the API's id in the ARN. */
async function callFunction(
  { api, runtime, permissions }: GatewayOptions,
  { functionArn, source, event }: { readonly functionArn: string; readonly source: string; readonly event: object },
) {
  const sourceArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${api.id}/${source}`;
  const { found } = runtime.resolve(functionArn);
  const isPermitted = permissions.some(
    (permission) =>
      permission.functionArn === functionArn &&
      permission.principal === 'apigateway.amazonaws.com' &&
      matchesWildcard(permission.sourceArn ?? '*', sourceArn),
  );
  if (found === undefined || !isPermitted) {
    console.error(`gateway: no permission lets ${sourceArn} invoke ${functionArn}`);
    throw new GatewayRefusal('API_CONFIGURATION_ERROR');
  }
  return await runtime.invoke(found, JSON.stringify(event));
}

/** The function goes on after the gateway has given up, as on AWS. */
async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new GatewayRefusal('INTEGRATION_TIMEOUT')), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function mockAnswer(mock: Extract<ApiIntegration, { kind: 'mock' }>, request: GatewayRequest): HttpAnswer {
  const headers = Object.entries(mock.headers).map(([name, value]) => [name, [value]]);
  return {
    statusCode: mock.statusCode,
    headers: {
      'content-type': ['application/json'],
      'x-amzn-requestid': [request.requestId],
      ...Object.fromEntries(headers),
    },
    body: mock.body,
  };
}

function send(response: ServerResponse, { statusCode, headers, body }: HttpAnswer): void {
  for (const [name, values] of Object.entries(headers)) {
    response.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  }
  response.writeHead(statusCode);
  response.end(body);
}
