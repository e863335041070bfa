import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on both loopback addresses, so that `localhost` reaches it however it resolves. */
export interface Listener {
  readonly port: number;
  stop(): Promise<void>;
}

const HOSTS = ['127.0.0.1', '::1'] as const;
const ATTEMPTS = 5;

/**
 * Listens on 127.0.0.1 and, where the machine has it, ::1; port 0 takes a free one. Rejects with a clear message when
 * the port is taken.
 */
export async function listenOnLoopback(
  port: number,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listener> {
  for (let attempt = 1; ; attempt += 1) {
    const first = createServer(handler);
    const bound = await listen(first, HOSTS[0], port);
    const second = createServer(handler);
    try {
      await listen(second, HOSTS[1], bound);
      return { port: bound, stop: () => stopAll([first, second]) };
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return { port: bound, stop: () => stopAll([first]) };
      await stopAll([first]);
      // A free port of one address family may be taken in the other: take another.
      if (port !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = errorCode(error) === 'EADDRINUSE';
      reject(taken ? Object.assign(new Error(`port ${port} is taken; choose another`), { code: 'EADDRINUSE' }) : error);
    });
    server.listen({ host, port, ipv6Only: true }, () => resolve((server.address() as AddressInfo).port));
  });
}

async function stopAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
