import type { ServerResponse } from 'node:http';
import { html, type Reply } from './exchange.ts';
import { type Fault, isProcessed } from './faults.ts';

/** The answer that leaves instead of the true one; faults that touch only the way it travels leave it as it is. */
export function disfigure(fault: Fault, reply: Reply): Reply {
  if (fault.kind === 'empty_200') return { ...reply, status: 200, headers: {}, body: '' };
  if (fault.kind === 'html') return { ...reply, ...htmlPage(fault.status ?? 502) };
  return reply;
}

/** Adds Retry-After. */
export function withRetryAfter(fault: Fault, reply: Reply): Reply {
  if (fault.retryAfter === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(fault.retryAfter) } };
}

/** Whether the client gets no status line at all. */
export function isDropped(fault: Fault | undefined): boolean {
  return fault?.kind === 'drop_before' || fault?.kind === 'drop_after_commit';
}

/** Sends, or does what the fault wants done to the connection. Ends when the last byte is handed over. */
export async function deliver(response: ServerResponse, reply: Reply, fault?: Fault): Promise<void> {
  if (isDropped(fault)) {
    response.socket?.resetAndDestroy();
    return;
  }
  // Nobody is there any more; its `close` has been and would not come again.
  if (response.destroyed || !response.socket) return;
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(reply.status === 204 ? {} : { 'content-length': body.length }),
  });
  if (fault?.kind === 'truncate') {
    await new Promise<void>((resolve) => response.write(body.subarray(0, Math.ceil(body.length / 2)), () => resolve()));
    response.socket?.resetAndDestroy();
    return;
  }
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(body);
  });
}

/** What a fault that keeps the request from being processed says; undefined for the others. */
export function replyInstead(fault: Fault, providerReply: () => Reply): Reply | undefined {
  if (isProcessed(fault)) return undefined;
  if (fault.kind === 'drop_before') return { status: 0, body: '', outcome: fault.kind, committed: false };
  if (fault.kind === 'html') return html(fault.status ?? 502, htmlPage(fault.status ?? 502).body);
  return providerReply();
}

function htmlPage(status: number): Pick<Reply, 'status' | 'headers' | 'body'> {
  const title = status === 403 ? 'Access Denied' : `${status} ${status >= 500 ? 'Bad Gateway' : 'Error'}`;
  const body = `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center><hr><center>nginx</center></body></html>`;
  return { status, headers: { 'content-type': 'text/html' }, body };
}
