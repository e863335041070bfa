import type { IncomingHttpHeaders } from 'node:http';
import type { EndpointName } from './faults.ts';
import type { LedgerNote } from './ledger.ts';

/** A request with its body read. */
export interface SimRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer that has not left yet. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the ledger: `ok` or the error code. */
  readonly outcome: string;
  /** Whether it changed what the provider holds. */
  readonly committed: boolean;
  readonly rotated?: boolean;
}

/** A request that has arrived and is about to be processed. */
export interface Work {
  /** Present when the request belongs in the ledger. */
  readonly note?: LedgerNote;
  perform(): Reply;
  /** Called when the provider has finished answering, or dropped the connection. */
  end?(): void;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** Which faults apply to it; none apply to a route without one. */
  readonly endpoint?: EndpointName;
  begin(request: SimRequest, match: RegExpMatchArray): Work;
}

/** Work that needs nothing between arrival and processing. */
export function work(perform: () => Reply, note?: LedgerNote): Work {
  return note ? { perform, note } : { perform };
}

export function json(
  status: number,
  body: object,
  more: { outcome?: string; committed?: boolean; rotated?: boolean; headers?: Readonly<Record<string, string>> } = {},
): Reply {
  const { outcome = status < 400 ? 'ok' : String(status), committed = false, rotated, headers } = more;
  return {
    status,
    headers: { 'content-type': 'application/json;charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
    outcome,
    committed,
    ...(rotated === undefined ? {} : { rotated }),
  };
}

export function html(status: number, body: string): Reply {
  const headers = { 'content-type': 'text/html;charset=utf-8', 'cache-control': 'no-store' };
  return { status, headers, body, outcome: status < 400 ? 'ok' : String(status), committed: false };
}

/** 302, never a page: a code in the URL must not leak through a Referer. */
export function redirect(target: URL): Reply {
  const headers = { location: target.href, 'cache-control': 'no-store' };
  return { status: 302, headers, body: '', outcome: 'ok', committed: true };
}

/** 200, 204 or an error without a body. */
export function empty(status: number, more: { outcome?: string; committed?: boolean } = {}): Reply {
  const { outcome = status < 400 ? 'ok' : String(status), committed = false } = more;
  return { status, body: '', outcome, committed };
}

/** The value of `Authorization: Bearer …`, if that is what it is. */
export function bearerToken(request: SimRequest): string | undefined {
  return /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
}
