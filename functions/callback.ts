import { browserCookieOf, providerOf } from '../lib/runtime/connect-request.ts';
import { httpHandler } from '../lib/runtime/http.ts';
import { receiveCallbackPorts } from '../lib/runtime/wiring.ts';
import { type ReceiveCallbackPorts, receiveCallback } from '../lib/service/receive-callback.ts';

/** The provider sends the browser back here. Always a redirect, never a page: the address holds the code. */
export function createHandler(ports: () => ReceiveCallbackPorts) {
  return httpHandler('callback', async (request) => {
    const provider = providerOf(request);
    const { query, origin, correlationId } = request;
    const cookie = browserCookieOf(request);
    return { redirect: await receiveCallback(ports(), { provider, query, cookie, origin, correlationId }) };
  });
}

export const handler = createHandler(receiveCallbackPorts);
