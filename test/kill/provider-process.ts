/**
 * The provider, a process of its own: the simulators' token endpoint with a fleet of families instead of a consent
 * page, and a ledger that says of each token it is shown whether that was still good.
 */
import type { ProviderId } from '../../lib/domain/names.ts';
import { PROVIDERS } from '../../lib/providers/index.ts';
import type { SimRequest, Work } from '../../local/simulators/exchange.ts';
import { Flights } from '../../local/simulators/flights.ts';
import { Ledger } from '../../local/simulators/ledger.ts';
import { listenOnLoopback } from '../../local/simulators/listener.ts';
import { fingerprint } from '../../local/simulators/mint.ts';
import type { ProviderSimulator, SimulatorParts } from '../../local/simulators/provider-simulator.ts';
import { quickBooksDialect } from '../../local/simulators/quickbooks-dialect.ts';
import { Station } from '../../local/simulators/station.ts';
import { beginTokenRequest, type TokenDesk } from '../../local/simulators/token-endpoint.ts';
import { TokenService } from '../../local/simulators/token-service.ts';
import { TokenVault } from '../../local/simulators/token-vault.ts';
import { xeroDialect } from '../../local/simulators/xero-dialect.ts';
import { serve } from './children.ts';
import { createFastClock, type Pace } from './clocks.ts';

/** What can be asked of the provider's process. */
export type ProviderHandlers = typeof handlers;

export interface ProviderOptions {
  readonly provider: ProviderId;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  readonly pace: Pace;
  readonly accessTokenSeconds: number;
}

/** What one family began with. */
export interface FirstTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** One request to the token endpoint, with fingerprints in the place of tokens. */
export interface Sending {
  /** Undefined where the token was never issued. */
  readonly subject: string | undefined;
  /** When it was processed, by the common clock. */
  readonly at: number;
  /** The newest value of its chain or one within the grace; else a token that no longer counted. */
  readonly isGood: boolean;
  /** What it gave, when it rotated. */
  readonly issued?: string;
  /** Requests for the same family in the air, itself included. */
  readonly inFlight: number;
}

const sendings: Sending[] = [];
let desk: TokenDesk | undefined;
let shared: { readonly parts: SimulatorParts; readonly dialect: ReturnType<typeof xeroDialect> } | undefined;

const handlers = {
  /** Answers its origin. */
  async start(options: ProviderOptions): Promise<string> {
    const { provider, client, pace } = options;
    const { now } = createFastClock(pace);
    const clock = { now, advance: () => undefined, offset: new SharedArrayBuffer(8) };
    const create = (parts: SimulatorParts) => createProvider(parts, options);
    const station = new Station({ provider, clock, ledger: new Ledger(), credentials: client, create });
    const { port } = await listenOnLoopback(0, station.handle);
    const origin = `http://localhost:${port}`;
    station.open(origin);
    return origin;
  },
  /** Issues first tokens to each subject, as after a consent. */
  issue(subjects: readonly string[]): FirstTokens[] {
    const { vault, now } = ready().desk;
    const { parts, dialect } = ready().shared;
    const clientId = 'client-1';
    return subjects.map((subject) => {
      const code = parts.mint.random('', 43);
      const authorization = { clientId, redirectUri: '', scopes: ['offline_access'], subject, eventId: code };
      vault.issueCode(authorization, code, now() + 1_000);
      const redeemed = vault.redeemCode(code, { clientId, redirectUri: '', now: now() });
      if (redeemed.kind !== 'ok') throw new Error(`no family for ${subject}`);
      const { current } = vault.startChain(redeemed.family, dialect.newRefreshValue(now()), now());
      return { accessToken: parts.mint.random('', 200), refreshToken: current.value };
    });
  },
  /** How many requests rotated a token so far. */
  refreshes: (_: undefined): number => sendings.filter(({ issued }) => issued !== undefined).length,
  sendings: (_: undefined): readonly Sending[] => sendings,
  /** Which of the refresh tokens it would accept now. */
  live(tokens: readonly string[]): boolean[] {
    return tokens.map(isLive);
  },
};

function createProvider(parts: SimulatorParts, { provider, accessTokenSeconds }: ProviderOptions): ProviderSimulator {
  Object.assign(parts.settings, { accessTokenSeconds, rotation: 'every_call' });
  const vault = new TokenVault();
  const flights = new Flights();
  const dialect = provider === 'xero' ? xeroDialect(parts.mint, vault) : quickBooksDialect(parts.mint);
  const service = new TokenService({ dialect, vault, flights, settings: () => parts.settings });
  const { clients, now } = parts;
  desk = { clients, vault, flights, service, now, invalidClientStatus: 400, decodesBasic: false, owner: () => ({}) };
  shared = { parts, dialect };
  const path = new RegExp(`^${PROVIDERS[provider].paths.token}$`);
  return {
    provider,
    routes: [{ method: 'POST', path, endpoint: 'token', begin: (request) => watched(request) }],
    headers: () => ({}),
    faultReply: () => {
      throw new Error('this provider has no faults');
    },
    disconnectTenant: () => undefined,
  };
}

/** The simulators' own handling of the request, with a look at the token just before it is processed. */
function watched(request: SimRequest): Work {
  const { vault, now } = ready().desk;
  const begun = beginTokenRequest(ready().desk, request);
  const presented = new URLSearchParams(request.body).get('refresh_token');
  if (presented === null) return begun;
  const family = vault.familyOf(presented);
  return {
    ...begun,
    perform() {
      const isGood = isLive(presented);
      const reply = begun.perform();
      const newest = reply.rotated ? family?.chain?.current.value : undefined;
      sendings.push({
        subject: family?.authorization.subject,
        at: now(),
        isGood,
        inFlight: begun.note?.inFlight ?? 1,
        ...(newest === undefined ? {} : { issued: fingerprint(newest) }),
      });
      return reply;
    },
  };
}

function isLive(token: string): boolean {
  const { vault, now } = ready().desk;
  const { parts, dialect } = ready().shared;
  return vault.isLive(token, dialect.rules(parts.settings), now());
}

function ready() {
  if (desk === undefined || shared === undefined) throw new Error('the provider has not started');
  return { desk, shared };
}

serve(handlers);
