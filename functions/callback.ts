import { browserCookieOf, providerOf } from '../lib/runtime/connect-request.ts';
import { httpHandler } from '../lib/runtime/http.ts';
import { receiveCallbackPorts } from '../lib/runtime/wiring.ts';
import { type ReceiveCallbackPorts, receiveCallback } from '../lib/service/receive-callback.ts';

/**
 * The provider sends the browser back here. A flow goes on by redirect, never by a page, because the address holds the code;
 * only what is refused gets a page, static and without links, and only where a browser asks for one.
 */
export function createHandler(ports: () => ReceiveCallbackPorts) {
  return httpHandler('callback', async (request) => {
    const provider = providerOf(request);
    const { query, origin, correlationId } = request;
    const cookie = browserCookieOf(request);
    return { redirect: await receiveCallback(ports(), { provider, query, cookie, origin, correlationId }) };
  });
}

export const handler = createHandler(receiveCallbackPorts);
