import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { MovableClock } from '../clock.ts';
import { type AdminDesk, answerAdmin } from './admin.ts';
import { type ClientCredentials, Clients } from './clients.ts';
import { deliver, disfigure, isDropped, replyInstead, withRetryAfter } from './delivery.ts';
import { empty, json, type Reply, type Route, type SimRequest, type Work } from './exchange.ts';
import { type Fault, FaultPlan } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { createMint } from './mint.ts';
import type { ProviderSimulator, SimulatorParts } from './provider-simulator.ts';
import { defaultSettings, type Settings } from './settings.ts';

const MAX_BODY_BYTES = 65_536;

export interface StationOptions {
  readonly provider: ProviderId;
  readonly clock: MovableClock;
  readonly ledger: Ledger;
  readonly credentials: ClientCredentials & { readonly others?: readonly ClientCredentials[] };
  readonly redirectUris?: readonly string[];
  readonly create: (parts: SimulatorParts) => ProviderSimulator;
}

/** All that a reset throws away. */
interface Books {
  readonly simulator: ProviderSimulator;
  readonly settings: Settings;
  readonly faults: FaultPlan;
  readonly clients: Clients;
}

/** One provider behind HTTP: its routes with their faults and ledger, and the admin surface. */
export class Station {
  readonly #options: StationOptions;
  readonly #mint = createMint();
  readonly #closing = new AbortController();
  #origin = '';
  #books: Books;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#books = this.#openBooks();
    for (const { clientSecret } of [options.credentials, ...(options.credentials.others ?? [])]) {
      this.#mint.remember(clientSecret);
    }
  }

  /** To be called once it is known where it listens. */
  open(origin: string): void {
    this.#origin = origin;
    this.#books = this.#openBooks();
  }

  /** Ends all waiting. */
  close(): void {
    this.#closing.abort();
  }

  issuedSecrets(): string[] {
    return this.#mint.issued();
  }

  /** The request listener. */
  readonly handle = (message: IncomingMessage, response: ServerResponse): void => {
    this.#receive(message, response).catch((error: unknown) => {
      // A client that went away, and a stop in the middle of a slow answer, are nobody's error.
      if (!response.destroyed && !message.destroyed && !this.#closing.signal.aborted) console.error(error);
      response.destroy();
    });
  };

  async #receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    if (!request) return await deliver(response, empty(413));
    if (request.url.pathname.startsWith('/_sim/')) {
      return await deliver(response, answerAdmin(this.#adminDesk(), request));
    }
    const found = findRoute(this.#books.simulator.routes, request);
    if (!('route' in found)) return await deliver(response, this.#dress(found, request));
    await this.#serve(request, response, found);
  }

  async #serve(request: SimRequest, response: ServerResponse, { route, match }: FoundRoute): Promise<void> {
    const { settings, simulator, faults } = this.#books;
    const { signal } = this.#closing;
    const fault = faults.take(route.endpoint);
    const at = this.#options.clock.now();
    const begun = route.begin(request, match);
    try {
      await wait(settings.latencyMs, undefined, { signal });
      const reply = fault ? carryOut(begun, fault, () => simulator.faultReply(fault, request)) : begun.perform();
      this.#record(begun, { reply, fault, at });
      if (fault?.kind === 'slow') await wait(fault.delayMs, undefined, { signal });
      await deliver(response, this.#dress(reply, request), fault);
    } finally {
      begun.end?.();
    }
  }

  /** Before the answer leaves, so that the ledger knows of a commit whose answer is still on its way. */
  #record(begun: Work, { reply, fault, at }: { reply: Reply; fault: Fault | undefined; at: number }): void {
    if (!begun.note) return;
    const { committed, rotated } = reply;
    this.#options.ledger.add({
      ...begun.note,
      at,
      provider: this.#options.provider,
      status: isDropped(fault) ? 0 : reply.status,
      outcome: fault?.kind ?? reply.outcome,
      committed,
      ...(rotated === undefined ? {} : { rotated }),
    });
  }

  #dress(reply: Reply, request: SimRequest): Reply {
    const { settings, simulator } = this.#books;
    const date = new Date(this.#options.clock.now() + settings.dateSkewSeconds * 1000).toUTCString();
    return { ...reply, headers: { date, ...simulator.headers(request), ...reply.headers } };
  }

  #adminDesk(): AdminDesk {
    const { provider, ledger } = this.#options;
    const { settings, faults, clients, simulator } = this.#books;
    return {
      ...{ provider, ledger, settings, faults, clients, mint: this.#mint },
      disconnectTenant: simulator.disconnectTenant,
      reset: () => {
        this.#books = this.#openBooks();
        ledger.clear(provider);
      },
    };
  }

  #openBooks(): Books {
    const { provider, credentials, redirectUris, clock, create } = this.#options;
    const settings = defaultSettings(provider);
    const clients = new Clients(credentials, credentials.others ?? []);
    const simulator = create({
      clients,
      mint: this.#mint,
      settings,
      now: clock.now,
      origin: this.#origin,
      ...(redirectUris ? { redirectUris } : {}),
    });
    return { simulator, settings, faults: new FaultPlan(), clients };
  }
}

interface FoundRoute {
  readonly route: Route;
  readonly match: RegExpMatchArray;
}

/** What the fault makes of the true answer. */
function carryOut(begun: Work, fault: Fault, providerReply: () => Reply): Reply {
  const instead = replyInstead(fault, providerReply);
  return withRetryAfter(fault, instead ?? disfigure(fault, begun.perform()));
}

function findRoute(routes: readonly Route[], request: SimRequest): FoundRoute | Reply {
  const { pathname } = request.url;
  for (const route of routes) {
    const match = route.method === request.method ? pathname.match(route.path) : null;
    if (match) return { route, match };
  }
  return routes.some((route) => route.path.test(pathname)) ? empty(405) : json(404, { error: 'not_found' });
}

/** The request with its body; undefined when that is too long. */
async function readRequest(message: IncomingMessage): Promise<SimRequest | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message) {
    size += part.length;
    if (size <= MAX_BODY_BYTES) parts.push(part);
  }
  if (size > MAX_BODY_BYTES) return undefined;
  return {
    method: message.method ?? 'GET',
    url: new URL(message.url ?? '/', 'http://localhost'),
    headers: message.headers,
    body: Buffer.concat(parts).toString('utf8'),
  };
}
