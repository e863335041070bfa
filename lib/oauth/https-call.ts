import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as startRequest } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { Instant } from '../domain/grant.ts';
import { isLoopbackHost } from '../providers/index.ts';

/**
 * One request on a connection of its own: no pool, no retries, no redirects. The connection is complete (DNS, TCP, TLS)
 * before the request is written, so a failure before that point proves that the provider has not seen a byte; a pooled
 * socket that died unnoticed could not prove it. After that point nothing is proved until an answer was read to its end.
 */

export interface CallLimits {
  /** Name lookup, TCP and TLS together. Milliseconds. */
  readonly connectMs: number;
  /** From writing the request to the last byte of the answer. Milliseconds. */
  readonly answerMs: number;
  /** Both together, where less than their sum. Milliseconds. */
  readonly totalMs?: number;
  /** Size of the answer's body. */
  readonly bodyBytes: number;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type NotSentReason =
  | 'request_not_built'
  | 'insecure_endpoint'
  | 'connect_timeout'
  | 'dns_failed'
  | 'connect_refused'
  | 'connect_failed'
  | 'tls_failed';

export type CutReason =
  | 'response_timeout'
  | 'connection_reset'
  | 'connection_lost'
  | 'truncated_answer'
  | 'body_too_large'
  | 'unreadable_answer';

export type CallResult =
  | {
      readonly kind: 'answered';
      /** Just before the request was written. */
      readonly sentAt: Instant;
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  | { readonly kind: 'not_sent'; readonly reason: NotSentReason }
  /** Something was written and no complete answer came; `headers` where they arrived. */
  | { readonly kind: 'cut'; readonly reason: CutReason; readonly headers?: IncomingHttpHeaders };

/** Answers may carry long cookies of an edge; Node's own limit of 16 KiB would lose the tokens behind them. */
const HEADER_BYTES = 64 * 1024;

/**
 * What became of the request. Never throws or rejects; nothing of request or answer is in a reason. https needs TLS 1.2 or
 * newer and a certificate Node trusts; http is spoken to this machine only.
 */
export async function callOnce(call: Call, limits: CallLimits, now: () => Instant): Promise<CallResult> {
  if (!isAllowed(call.url)) return { kind: 'not_sent', reason: 'insecure_endpoint' };
  const startedMs = performance.now();
  const connected = await connect(call.url, limits.connectMs);
  if (typeof connected === 'string') return { kind: 'not_sent', reason: connected };
  const leftMs = (limits.totalMs ?? Number.POSITIVE_INFINITY) - (performance.now() - startedMs);
  try {
    return await send(connected, call, { ...limits, answerMs: Math.min(limits.answerMs, leftMs) }, now);
  } finally {
    connected.destroy();
  }
}

function isAllowed(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

function connect(url: URL, timeoutMs: number): Promise<Socket | NotSentReason> {
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  return new Promise((resolve) => {
    const socket = isSecure
      ? connectSecure({
          host,
          port,
          minVersion: 'TLSv1.2',
          // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
          rejectUnauthorized: true,
          ALPNProtocols: ['http/1.1'],
          ...(isIP(host) === 0 ? { servername: host } : {}),
        })
      : connectPlain({ host, port });
    let reached = false;
    const give = (result: Socket | NotSentReason): void => {
      clearTimeout(timer);
      if (typeof result === 'string') socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => give('connect_timeout'), timeoutMs);
    socket.once('connect', () => {
      reached = true;
    });
    socket.once(isSecure ? 'secureConnect' : 'connect', () => give(socket));
    // Stays for the socket's whole life: an error nobody listens to would end the process.
    socket.on('error', (error) => give(connectReason(error, reached)));
    socket.once('close', () => give(reached ? 'tls_failed' : 'connect_failed'));
  });
}

function connectReason(error: Error, reached: boolean): NotSentReason {
  if (reached) return 'tls_failed';
  switch (codeOf(error)) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'dns_failed';
    case 'ECONNREFUSED':
      return 'connect_refused';
    case 'ETIMEDOUT':
      return 'connect_timeout';
    default:
      return 'connect_failed';
  }
}

function send(socket: Socket, call: Call, limits: CallLimits, now: () => Instant): Promise<CallResult> {
  const request = build(socket, call);
  if (request === undefined) return Promise.resolve({ kind: 'not_sent', reason: 'request_not_built' });
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders | undefined;
    const give = (result: CallResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const cut = (reason: CutReason): void =>
      give({ kind: 'cut', reason, ...(headers === undefined ? {} : { headers }) });
    const timer = setTimeout(() => cut('response_timeout'), limits.answerMs);
    request.on('error', (error) => cut(headers === undefined ? sendReason(error) : 'truncated_answer'));
    // Reached without an answer when the peer switches protocols, which ends in no other event.
    request.once('close', () => headers === undefined && cut('connection_lost'));
    const sentAt = now();
    request.once('response', (response) => {
      headers = response.headers;
      const answered = { kind: 'answered', sentAt, status: response.statusCode ?? 0, headers } as const;
      readBody(response, limits.bodyBytes, (body) => give({ ...answered, body }), cut);
    });
    // Headers and body leave in one piece.
    request.end(call.body);
  });
}

/** Undefined where Node refuses a header or path; nothing is written then. */
function build(socket: Socket, call: Call): ClientRequest | undefined {
  try {
    return startRequest({
      method: call.method,
      path: `${call.url.pathname}${call.url.search}`,
      headers: {
        ...call.headers,
        host: call.url.host,
        'accept-encoding': 'identity',
        ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
      },
      maxHeaderSize: HEADER_BYTES,
      createConnection: () => socket,
    });
  } catch {
    return undefined;
  }
}

function readBody(
  response: IncomingMessage,
  limitBytes: number,
  whole: (body: Buffer) => void,
  cut: (reason: CutReason) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limitBytes) cut('body_too_large');
    else chunks.push(chunk);
  });
  response.once('end', () => (response.complete ? whole(Buffer.concat(chunks)) : cut('truncated_answer')));
  response.once('error', () => cut('truncated_answer'));
  response.once('close', () => cut('truncated_answer'));
}

function sendReason(error: Error): CutReason {
  const code = codeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'connection_reset';
  return code.startsWith('HPE_') ? 'unreadable_answer' : 'connection_lost';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
