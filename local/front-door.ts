import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from './gateway/gateway.ts';
import type { Home } from './home/home.ts';
import { ClockFixedError } from './real-providers.ts';

/** What is served on the API's port. */
export interface FrontDoorOptions {
  readonly gateway: Gateway;
  readonly home: Home;
  now(): number;
  /** Moves the clock; see `Schedule.advance`. */
  advance(seconds: number): Promise<void>;
  /** Real providers live in real time: moving the clock is refused. Default false. */
  readonly clockIsFixed?: boolean;
  /** JSON for `GET /_local/iam`. */
  guardReport(): object;
}

const MAX_ADMIN_BODY_BYTES = 1_024;

/** A hundred years: more would leave the range in which dates can be computed. */
const MAX_ADVANCE_SECONDS = 100 * 365 * 86_400;

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Leads requests to the API (`/api/…`), the local pages and the platform's own surface: `POST /_local/clock
 * {advanceSeconds}` → `{now, advancedSeconds}` (409 where it is fixed) and `GET /_local/iam`. Only requests for this machine's own names are
 * served, and nothing but the API takes a POST that another site's page sent: a browser may reach loopback too.
 */
export function createFrontDoor(options: FrontDoorOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    lead(options, request, response).catch((error: unknown) => {
      console.error('local platform: internal failure', error);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: { code: 'internal', message: 'see the terminal' } });
    });
  };
}

async function lead(options: FrontDoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = request.headers.host ?? '';
  if (!LOCAL_HOST.test(host)) return refuse(response, 403, 'only localhost is served');
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  if (options.gateway.serves(path)) return await options.gateway.handle(request, response);
  const origin = request.headers.origin;
  if (request.method === 'POST' && origin !== undefined && origin !== `http://${host}`) {
    return refuse(response, 403, 'this page takes no forms of other sites');
  }
  if (path === '/_local/clock' && request.method === 'POST') return await moveClock(options, request, response);
  if (path === '/_local/iam' && request.method === 'GET') return sendJson(response, 200, options.guardReport());
  if (!(await options.home.handle(request, response))) refuse(response, 404, 'there is no such page; start at /');
}

async function moveClock(options: FrontDoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (options.clockIsFixed) return refuse(response, 409, new ClockFixedError().message);
  const advanceSeconds = readAdvance(await readBody(request));
  if (advanceSeconds === undefined) return refuse(response, 400, `advanceSeconds must be 0 to ${MAX_ADVANCE_SECONDS}`);
  await options.advance(advanceSeconds);
  sendJson(response, 200, { now: options.now(), advancedSeconds: advanceSeconds });
}

function readAdvance(body: string): number | undefined {
  try {
    const { advanceSeconds }: { advanceSeconds?: unknown } = JSON.parse(body);
    if (typeof advanceSeconds !== 'number' || !(advanceSeconds >= 0)) return undefined;
    return advanceSeconds <= MAX_ADVANCE_SECONDS ? advanceSeconds : undefined;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request as AsyncIterable<Buffer>)
    body = (body + chunk.toString()).slice(0, MAX_ADMIN_BODY_BYTES);
  return body;
}

const CODES: Readonly<Record<number, string>> = { 404: 'not_found', 409: 'clock_fixed' };

function refuse(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { code: CODES[status] ?? 'invalid_request', message } });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
