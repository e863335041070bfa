import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../lib/domain/secret.ts';
import { Interrupted, ProbeStop } from './wire.ts';

/** Nobody agreed, or what came back was no agreement. */
export class NoConsent extends ProbeStop {}

/** What the provider's callback brought. */
export interface Consent {
  readonly code: Secret;
  /** The value of the descriptor's callback parameter, where it has one. */
  readonly tenantId?: string;
}

export interface ConsentDesk {
  /** To be registered at the provider, exactly. */
  readonly redirectUri: string;
  /**
   * Waits for the callback that brings the state which `show` was given; others are refused and change nothing. Throws
   * `NoConsent` when the user refuses, something is missing, or the time is over, and `Interrupted`.
   */
  ask(show: (state: string) => void, tenantParameter?: string): Promise<Consent>;
  stop(): Promise<void>;
}

interface DeskOptions {
  /** 0: any free one, for tests. */
  readonly port: number;
  readonly signal: AbortSignal;
  /** How long an answer is waited for; default ten minutes. */
  readonly consentMs?: number;
}

const CONSENT_MS = 600_000;
/** A browser follows a redirect at once, or not at all. */
const LAST_PAGE_MS = 1_000;
const CALLBACK_PATH = '/callback';
const DONE_PATH = '/done';
const CODE = /^[\x21-\x7e]{1,2048}$/;
const ERROR = /^[a-z_]{1,40}$/;

type Settle = (consent: Consent | ProbeStop) => void;
interface Pending {
  readonly state: string;
  readonly tenantParameter: string | undefined;
  readonly settle: Settle;
}

/** Listens on this machine alone, on both of localhost's addresses. Throws `ProbeStop` when the port is taken. */
export async function openConsentDesk({ port, signal, consentMs = CONSENT_MS }: DeskOptions): Promise<ConsentDesk> {
  let pending: Pending | undefined;
  /** Settled while no browser is on its way from the callback to the last page. */
  let arrived = Promise.withResolvers<void>();
  arrived.resolve();
  const handle: Handler = (request, response) => {
    const kind = answer(request, response, pending);
    if (kind === 'callback') arrived = Promise.withResolvers();
    else if (kind === 'done') arrived.resolve();
  };
  const first = await listen(handle, '127.0.0.1', port);
  const bound = (first.address() as AddressInfo).port;
  // A browser may try ::1 first, and whoever listened there would be given the code.
  const second = await listenOnIpv6(handle, bound).catch(async (error: unknown) => {
    await close(first);
    throw error;
  });
  return {
    redirectUri: `http://localhost:${bound}${CALLBACK_PATH}`,
    ask: (show, tenantParameter) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Interrupted());
        const state = randomBytes(32).toString('base64url');
        const stopWaiting = (): void => settle(new Interrupted());
        const timer = setTimeout(() => settle(new NoConsent('nobody agreed within the time')), consentMs);
        const settle: Settle = (outcome) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', stopWaiting);
          pending = undefined;
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        };
        signal.addEventListener('abort', stopWaiting, { once: true });
        pending = { state, tenantParameter, settle };
        show(state);
      }),
    async stop() {
      const patience = new AbortController();
      const waited = sleep(LAST_PAGE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
      await Promise.race([arrived.promise, waited]);
      patience.abort();
      await Promise.all([first, second].map(close));
    },
  };
}

/** Answers. `callback`: it was the one that is waited for, which counts once. `done`: the page after it. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pending: Pending | undefined,
): 'callback' | 'done' | 'other' {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'GET' && url.pathname === DONE_PATH) {
    reply(response, 200, 'Thank you. The terminal goes on; this page can be closed.');
    return 'done';
  }
  if (request.method !== 'GET' || url.pathname !== CALLBACK_PATH) {
    reply(response, 404, 'There is nothing here.');
    return 'other';
  }
  if (pending === undefined || !isSame(url.searchParams.get('state') ?? '', pending.state)) {
    reply(response, 400, 'This does not answer the question that the terminal asked.');
    return 'other';
  }
  // 302 and not a page, so that no Referer carries the code (providers.md §1.3).
  response.writeHead(302, { ...HEADERS, location: DONE_PATH }).end();
  pending.settle(consentOf(url.searchParams, pending.tenantParameter));
  return 'callback';
}

function consentOf(query: URLSearchParams, tenantParameter: string | undefined): Consent | NoConsent {
  const error = query.get('error');
  if (error !== null) return new NoConsent(`the provider said ${ERROR.test(error) ? error : 'no'} instead of a code`);
  const code = query.get('code') ?? '';
  if (!CODE.test(code)) return new NoConsent('the callback brought no code');
  if (tenantParameter === undefined) return { code: new Secret(code) };
  const tenantId = query.get(tenantParameter) ?? '';
  if (!/^[A-Za-z0-9-]{1,64}$/.test(tenantId)) return new NoConsent(`the callback brought no ${tenantParameter}`);
  return { code: new Secret(code), tenantId };
}

const HEADERS = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

function isSame(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The second of localhost's addresses; undefined on a machine that has only one. */
async function listenOnIpv6(handle: Handler, port: number): Promise<Server | undefined> {
  try {
    return await listen(handle, '::1', port);
  } catch (error) {
    if (error instanceof PortProblem && NO_SUCH_ADDRESS.includes(error.code)) return undefined;
    throw error;
  }
}

const NO_SUCH_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

class PortProblem extends ProbeStop {
  readonly code: string;

  constructor(port: number, code = 'unknown') {
    super(`port ${port} of this machine cannot be used (${code}): give another by --port`);
    this.code = code;
  }
}

function listen(handle: Handler, host: '127.0.0.1' | '::1', port: number): Promise<Server> {
  const server = createServer(handle);
  return new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => reject(new PortProblem(port, code)));
    server.listen({ host, port, ipv6Only: host === '::1' }, () => resolve(server));
  });
}

function close(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server === undefined) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
