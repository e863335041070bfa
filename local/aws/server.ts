/**
 * The embedded AWS: one loopback port that speaks the wire protocols of the real SDK. The service is chosen by the
 * scope in the SigV4 credential (`Credential=<key id>/<date>/<region>/<service>/aws4_request`); signatures are not
 * verified, the access key id alone tells the principal.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { AwsError, ConnectionFault } from './aws-error.ts';
import type { Principal } from './iam.ts';

export { AwsError } from './aws-error.ts';

/**
 * One request. `operation` and `input` are filled for the JSON protocols (from `X-Amz-Target` and the body) and for
 * the query protocol (from the form); for REST services `operation` is '' and `input` is {}. `path` is still encoded.
 */
export interface AwsRequest {
  readonly principal: Principal;
  readonly operation: string;
  readonly input: Record<string, unknown>;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer: an object is sent as JSON in the protocol version the client spoke. */
export interface AwsResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string | Buffer | object;
}

/** One AWS service. `scope` is its signing name. Refuses by throwing `AwsError`. */
export interface AwsService {
  readonly scope: string;
  handle(request: AwsRequest): Promise<AwsResponse>;
}

interface ServerOptions {
  readonly services: AwsService[];
  principalOf(accessKeyId: string): Principal | undefined;
  /** Default: any free port. */
  readonly port?: number;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const CREDENTIAL = /Credential=([^/,\s]+)\/\d{8}\/[^/,\s]+\/([^/,\s]+)\/aws4_request/;

/**
 * Starts the endpoint on loopback. `endpointUrl` is what `AWS_ENDPOINT_URL` wants; `stop` also cuts requests that are
 * still unanswered. Rejects when the port is taken (`EADDRINUSE`).
 */
export async function startAwsServer(options: ServerOptions): Promise<{ endpointUrl: string; stop(): Promise<void> }> {
  const services = new Map(options.services.map((service) => [service.scope, service]));
  const server = createServer((request, response) => {
    void answer(request, response, { services, principalOf: options.principalOf });
  });
  // Worker threads keep sockets; Node's default of 5 s would close one just as the SDK re-uses it.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpointUrl: `http://127.0.0.1:${port}`,
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

interface Routing {
  readonly services: ReadonlyMap<string, AwsService>;
  principalOf(accessKeyId: string): Principal | undefined;
}

async function answer(incoming: IncomingMessage, response: ServerResponse, routing: Routing): Promise<void> {
  const [, accessKeyId = '', scope = ''] = CREDENTIAL.exec(incoming.headers.authorization ?? '') ?? [];
  const requestId = randomUUID();
  try {
    const body = await readBody(incoming);
    const { service, principal } = route({ accessKeyId, scope }, routing);
    const result = await service.handle(toRequest(incoming, body, principal));
    send(response, result, { contentType: contentTypeOf(incoming), requestId });
  } catch (error) {
    if (error instanceof ConnectionFault) {
      if (error.kind === 'drop') incoming.socket.destroy();
      return;
    }
    send(response, renderError(toAwsError(error), scope), { contentType: contentTypeOf(incoming), requestId });
  }
}

function route(credential: { accessKeyId: string; scope: string }, routing: Routing) {
  if (!credential.accessKeyId) {
    throw new AwsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token', 403);
  }
  const principal = routing.principalOf(credential.accessKeyId);
  if (!principal) {
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.', 403);
  }
  const service = routing.services.get(credential.scope);
  if (!service) {
    throw new AwsError('UnknownOperationException', `The embedded AWS has no service '${credential.scope}'.`);
  }
  return { principal, service };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Reading goes on, so that the client gets this answer and not a reset.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) {
    throw new AwsError('RequestEntityTooLargeException', `The request exceeds ${MAX_BODY_BYTES} bytes.`, 413);
  }
  const body = Buffer.concat(chunks);
  if (incoming.headers['content-encoding'] !== 'gzip') return body;
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch {
    throw new AwsError('SerializationException', 'The body is not valid gzip, or is too large.');
  }
}

function toRequest(incoming: IncomingMessage, body: Buffer, principal: Principal): AwsRequest {
  const [path = '/', search = ''] = (incoming.url ?? '/').split('?', 2);
  return {
    principal,
    ...readOperation(incoming, body),
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(search),
    headers: incoming.headers,
    body,
  };
}

function readOperation(incoming: IncomingMessage, body: Buffer): { operation: string; input: Record<string, unknown> } {
  const target = incoming.headers['x-amz-target'];
  if (typeof target === 'string') {
    return { operation: target.slice(target.lastIndexOf('.') + 1), input: parseObject(body) };
  }
  if (contentTypeOf(incoming) === 'application/x-www-form-urlencoded') {
    const input = Object.fromEntries(new URLSearchParams(body.toString()));
    return { operation: input.Action ?? '', input };
  }
  return { operation: '', input: {} };
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString() || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below, together with JSON that is not an object.
  }
  throw new AwsError('SerializationException', 'The body is not a JSON object.');
}

function contentTypeOf(incoming: IncomingMessage): string {
  return (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() || 'application/json';
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  // A fault of the emulator itself: its stack goes to the terminal, the client sees what AWS would say.
  console.error('embedded AWS: internal failure', error instanceof Error ? error.stack : typeof error);
  return new AwsError('InternalFailure', 'The embedded AWS failed; its terminal output says why.', 500);
}

function renderError(error: AwsError, scope: string): AwsResponse {
  const prefix = scope === 'dynamodb' ? 'com.amazonaws.dynamodb.v20120810#' : '';
  const fault = error.status >= 500 ? 'Receiver' : 'Sender';
  return {
    status: error.status,
    headers: {
      'x-amzn-errortype': error.code,
      // CloudWatch's clients were made for the query protocol and look for the code here.
      ...(scope === 'monitoring' ? { 'x-amzn-query-error': `${error.code};${fault}` } : {}),
    },
    body: { __type: prefix + error.code, message: error.message, ...error.extra },
  };
}

function send(
  response: ServerResponse,
  result: AwsResponse,
  { contentType, requestId }: { contentType: string; requestId: string },
): void {
  const raw = typeof result.body === 'string' || Buffer.isBuffer(result.body);
  const body = raw ? (result.body as string | Buffer) : JSON.stringify(result.body);
  response.writeHead(result.status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': requestId,
    ...result.headers,
  });
  response.end(body);
}
