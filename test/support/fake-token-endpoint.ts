import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';

/** What the endpoint does with one connection. Text is written as it stands, so any malformed answer can be spelt. */
export type Behaviour =
  /** A whole answer, with its length. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The same in chunks, one per piece. */
  | { readonly kind: 'chunked'; readonly status: number; readonly pieces: readonly string[]; readonly end: boolean }
  /** Exactly these bytes, then the end of the connection (or nothing more, for `stall`). */
  | { readonly kind: 'raw'; readonly text: string; readonly next: 'end' | 'reset' | 'stall' }
  /** A reset as soon as the connection stands, before anything is read. */
  | { readonly kind: 'reset_on_connect' };

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A token endpoint on loopback that misbehaves to order; the n-th connection gets the n-th behaviour, the rest the last. */
export interface FakeTokenEndpoint {
  readonly origin: string;
  readonly port: number;
  /** Whole requests, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** Connections that were accepted, whether or not anything was sent. */
  connections(): number;
  /** Bytes that arrived, above TLS if any. */
  bytes(): number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1, with TLS when `tls` is given. */
export async function startFakeTokenEndpoint(
  behaviours: readonly [Behaviour, ...Behaviour[]],
  tls?: TlsOptions,
): Promise<FakeTokenEndpoint> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  let received = 0;
  const serve = (socket: Socket): void => {
    const behaviour = behaviours[Math.min(accepted, behaviours.length - 1)] ?? behaviours[0];
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (behaviour.kind === 'reset_on_connect') {
      socket.resetAndDestroy();
      return;
    }
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      text += chunk.toString('latin1');
      const request = parse(text);
      if (request === undefined) return;
      text = '';
      requests.push(request);
      behave(socket, behaviour);
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    port,
    requests,
    connections: () => accepted,
    bytes: () => received,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The request once head and body are there in full. */
function parse(text: string): ReceivedRequest | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = text.slice(end + 4);
  if (body.length < Number(headers['content-length'] ?? 0)) return undefined;
  const [method = '', path = ''] = first.split(' ');
  return { method, path, headers, body: Buffer.from(body, 'latin1').toString('utf8') };
}

function behave(socket: Socket, behaviour: Exclude<Behaviour, { kind: 'reset_on_connect' }>): void {
  if (behaviour.kind === 'answer') {
    socket.end(spell(behaviour));
  } else if (behaviour.kind === 'chunked') {
    socket.write(`HTTP/1.1 ${behaviour.status} X\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (const piece of behaviour.pieces) {
      socket.write(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
    }
    socket.end(behaviour.end ? '0\r\n\r\n' : '');
  } else if (behaviour.next === 'end') {
    socket.end(behaviour.text);
  } else {
    // Writing nothing still calls back, in order.
    socket.write(behaviour.text, () => {
      if (behaviour.next === 'reset') socket.resetAndDestroy();
    });
  }
}

function spell({ status, headers = {}, body = '' }: Extract<Behaviour, { kind: 'answer' }>): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({
    'content-type': typeof body === 'string' ? 'text/html' : 'application/json;charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}
