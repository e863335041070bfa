import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { STAGE } from '../../lib/domain/routes.ts';
import { listenOnLoopback } from '../../local/simulators/listener.ts';

/** The address browsers know: http://localhost with a port, where the API stands at `/api`. */
export interface GatewayFront {
  readonly origin: string;
  /** From now on `/api/…` is the stage `api` of this REST API. */
  leadTo(endpoint: string, restApiId: string): void;
  stop(): Promise<void>;
}

/**
 * Stands where a domain name would: API Gateway's own address does not resolve here. It hands requests and answers on as
 * they are, and is the page flows come back to (any other path: 200, empty).
 */
export async function openGatewayFront(): Promise<GatewayFront> {
  let target: ((path: string) => URL) | undefined;
  const listener = await listenOnLoopback(0, (request, response) => {
    const address = request.url ?? '/';
    if (!address.startsWith(`/${STAGE}/`)) return void response.writeHead(200).end();
    if (target === undefined) return void response.writeHead(503).end();
    pass(request, response, target(address.slice(STAGE.length + 1)));
  });
  return {
    origin: `http://localhost:${listener.port}`,
    leadTo(endpoint, restApiId) {
      target = (path) => new URL(`/restapis/${restApiId}/${STAGE}/_user_request_${path}`, endpoint);
    },
    stop: () => listener.stop(),
  };
}

function pass(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const { method = 'GET', headers } = request;
  const onward = send(url, { method, headers: { ...headers, host: url.host }, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.once('error', () => response.destroy());
  request.pipe(onward);
}
