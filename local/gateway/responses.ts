import type { ApiResource, GatewayResponse } from '../assembly/model.ts';
import { AssemblyError } from '../assembly/template.ts';
import type { GatewayRequest } from './request.ts';

/** An answer, ready for the wire; a header may have several values. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string | Buffer;
}

/**
 * The answers that come from API Gateway itself.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
const RESPONSE_TYPES = {
  ACCESS_DENIED: [403, 'User is not authorized to access this resource', 'AccessDeniedException'],
  API_CONFIGURATION_ERROR: [500, 'Internal server error', 'InternalServerErrorException'],
  AUTHORIZER_CONFIGURATION_ERROR: [500, 'Internal server error', 'InternalServerErrorException'],
  AUTHORIZER_FAILURE: [500, 'Internal server error', 'InternalServerErrorException'],
  INTEGRATION_FAILURE: [502, 'Internal server error', 'InternalServerErrorException'],
  INTEGRATION_TIMEOUT: [504, 'Endpoint request timed out', 'InternalServerErrorException'],
  MISSING_AUTHENTICATION_TOKEN: [403, 'Missing Authentication Token', 'MissingAuthenticationTokenException'],
  REQUEST_TOO_LARGE: [413, 'Request Too Long', 'RequestTooLargeException'],
  UNAUTHORIZED: [401, 'Unauthorized', 'UnauthorizedException'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ResponseType = keyof typeof RESPONSE_TYPES;

/** Refuses a request with one of the gateway's own answers. */
export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
  readonly responseType: ResponseType;

  constructor(responseType: ResponseType, message?: string) {
    super(message ?? RESPONSE_TYPES[responseType][1]);
    this.responseType = responseType;
  }
}

const DEFAULT_TEMPLATE = '{"message":$context.error.messageString}';

const VARIABLE = /\$context\.[A-Za-z][\w.]*\w|\$\w+[\w.()'-]*/g;

type Variables = Readonly<Record<string, (refusal: GatewayRefusal, request: GatewayRequest) => string>>;

const VARIABLES: Variables = {
  '$context.error.message': (refusal) => refusal.message,
  '$context.error.messageString': (refusal) => JSON.stringify(refusal.message),
  '$context.error.responseType': (refusal) => refusal.responseType,
  '$context.requestId': (_, request) => request.requestId,
  '$context.extendedRequestId': (_, request) => request.requestId,
  '$context.requestTimeEpoch': (_, request) => String(request.receivedAt),
  '$context.httpMethod': (_, request) => request.httpMethod,
  '$context.path': (_, request) => request.rawPath,
  '$context.identity.sourceIp': (_, request) => request.sourceIp,
};

/** Throws `AssemblyError` when a gateway response of the API uses a variable that would stay unfilled here. */
export function checkGatewayResponses(api: ApiResource): void {
  for (const [type, response] of Object.entries(api.gatewayResponses)) {
    for (const template of Object.values(response.templates)) {
      const unknown = template.match(VARIABLE)?.find((variable) => !(variable in VARIABLES));
      if (unknown !== undefined) throw new AssemblyError(`gateway response ${type}: ${unknown} is not supported`);
    }
  }
}

/** The answer for a refusal: the template's own response of that type, else its default, else API Gateway's. */
export function renderRefusal(api: ApiResource, refusal: GatewayRefusal, request: GatewayRequest): HttpAnswer {
  const [defaultStatus, , errorType] = RESPONSE_TYPES[refusal.responseType];
  const response = configuredResponse(api, refusal.responseType, defaultStatus);
  const [contentType = 'application/json', template = DEFAULT_TEMPLATE] =
    Object.entries(response?.templates ?? {})[0] ?? [];
  const headers = Object.entries(response?.headers ?? {}).map(([name, value]) => [name, [value]]);
  return {
    statusCode: response?.statusCode ?? defaultStatus,
    headers: {
      'content-type': [contentType],
      'x-amzn-errortype': [errorType],
      'x-amzn-requestid': [request.requestId],
      ...Object.fromEntries(headers),
    },
    body: template.replace(VARIABLE, (variable) => VARIABLES[variable]?.(refusal, request) ?? ''),
  };
}

function configuredResponse(api: ApiResource, type: ResponseType, status: number): GatewayResponse | undefined {
  return api.gatewayResponses[type] ?? api.gatewayResponses[status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX'];
}
