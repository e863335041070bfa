import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy before a store, which can misbehave for a spell.
 * - `stalled`: bytes stop in both directions and go on afterwards.
 * - `refused`: every connection is reset, new ones too.
 * - `deaf`: requests get through and are carried out, their answers never arrive.
 */
export type Spell = 'stalled' | 'refused' | 'deaf';

export interface FaultyProxy {
  readonly port: number;
  /** Begins a spell, or ends it with undefined. */
  set(spell: Spell | undefined): void;
}

/** Listens on loopback before the server on `upstreamPort`. */
export async function startFaultyProxy(upstreamPort: number): Promise<FaultyProxy> {
  let spell: Spell | undefined;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    if (spell === 'refused') return void client.resetAndDestroy();
    const upstream = connect(upstreamPort, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const cut = (): void => {
      pairs.delete(pair);
      if (!client.destroyed) client.resetAndDestroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on('error', cut).on('close', cut);
    if (spell === 'stalled') for (const socket of pair) socket.pause();
    pass(client, upstream, () => undefined);
    pass(upstream, client, () => (spell === 'deaf' ? cut() : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    set(next) {
      const before = spell;
      spell = next;
      for (const pair of pairs) {
        if (next === 'refused') pair[0].resetAndDestroy();
        for (const socket of pair) {
          if (next === 'stalled') socket.pause();
          else if (before === 'stalled') socket.resume();
        }
      }
    },
  };
}

function pass(from: Socket, to: Socket, before: () => void): void {
  from.on('data', (chunk: Buffer) => {
    before();
    // What a client sends is small and an answer at most a page of items, so nothing piles up here.
    if (!to.destroyed) to.write(chunk);
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
