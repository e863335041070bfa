import { createHash, randomBytes } from 'node:crypto';
import type { Instant } from '../../lib/domain/grant.ts';
import { TENANT_ID_PATTERN } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { authorizationUrl } from '../../lib/oauth/authorization-url.ts';
import type { CallResult } from '../../lib/oauth/https-call.ts';
import { isJsonObject, jsonOf } from '../../lib/oauth/json.ts';
import { claimOf } from '../../lib/oauth/jwt-claim.ts';
import { tokensOf } from '../../lib/oauth/token-answer.ts';
import type { ProviderDescriptor, ProviderHosts } from '../../lib/providers/descriptor.ts';
import type { ClientCredentials } from '../../lib/service/ports.ts';
import { type Authorisation, newest, remember } from './authorisation.ts';
import type { ConsentDesk } from './consent-desk.ts';
import { createRequests, type Requests } from './requests.ts';
import { isOk, isRejected, type Seen } from './seen.ts';
import type { Wire } from './wire.ts';

export interface LabParts {
  readonly descriptor: ProviderDescriptor;
  readonly hosts: ProviderHosts;
  readonly client: ClientCredentials;
  readonly wire: Wire;
  readonly desk: ConsentDesk;
  now(): Instant;
  /** To whoever runs the probe. */
  tell(line: string): void;
  /** Throws for an authorisation that is not of a sandbox. */
  check(lab: Lab, authorisation: Authorisation): Promise<void>;
}

export interface AuthoriseOptions {
  /** What to do at the provider. */
  readonly ask: string;
  /** Sends a PKCE challenge with the request. */
  readonly challenge?: boolean;
  /** How long the code is kept before it is exchanged. */
  readonly holdMs?: number;
}

interface Exchanged {
  readonly seen: Seen;
  readonly authorisation?: Authorisation;
}

/** One company of a user, as the provider lists it. */
export interface Listed {
  readonly connectionId: string;
  readonly tenantId: string;
}

/** No provider issues such a code. */
const BOGUS_CODE = 'grantkeeper-probe-not-a-code';

/** The bench that experiments work at: it makes requests, and remembers everything that a provider issued. */
export class Lab {
  readonly #parts: LabParts;
  readonly #requests: Requests;
  readonly #authorisations: Authorisation[] = [];
  /** Tokens may have been issued that never arrived. */
  hasLostTokens = false;

  constructor(parts: LabParts) {
    this.#parts = parts;
    this.#requests = createRequests(parts.wire, parts);
  }

  get descriptor(): ProviderDescriptor {
    return this.#parts.descriptor;
  }

  /** All that were obtained, whatever became of them. */
  get authorisations(): readonly Authorisation[] {
    return this.#authorisations;
  }

  wait(ms: number): Promise<void> {
    return this.#parts.wire.wait(ms);
  }

  /** The first that is alive, if any. */
  findAlive(): Authorisation | undefined {
    return this.#authorisations.find(({ isAlive }) => isAlive);
  }

  /** One that is alive; when none is, somebody is asked for another. Undefined when its code could not be exchanged. */
  async needAlive(): Promise<Authorisation | undefined> {
    const alive = this.findAlive();
    if (alive !== undefined) return alive;
    const [exchanged] = await this.authorise({ ask: 'No authorisation is alive any more: one more is needed.' });
    return exchanged?.authorisation;
  }

  /** Exchanges a code that nobody was given, with our keys or with a secret that is not ours. */
  async sendBogusCode(keys: 'ours' | 'wrong secret'): Promise<Seen> {
    const { client: ours, desk } = this.#parts;
    const wrong = { ...ours, clientSecret: new Secret(randomBytes(30).toString('base64url')) };
    const form = { grant_type: 'authorization_code', code: BOGUS_CODE, redirect_uri: desk.redirectUri };
    return (await this.#requests.token(form, { client: keys === 'ours' ? ours : wrong })).seen;
  }

  /**
   * Asks somebody to agree, and exchanges the code. With a challenge the verifier is left out first; where that is refused, a
   * second answer is the one to the same code with it. Throws as `ConsentDesk.ask` and the check do.
   */
  async authorise({ ask, challenge = false, holdMs = 0 }: AuthoriseOptions): Promise<readonly Exchanged[]> {
    const { desk, tell } = this.#parts;
    const { subject } = this.descriptor;
    const verifier = randomBytes(32).toString('base64url');
    const show = (state: string): void => {
      const url = this.#consentUrl(state, challenge ? verifier : undefined);
      tell(`\n${ask}\nOpen this in a browser, and agree; it comes back to ${desk.redirectUri}\n${url}\n`);
    };
    const consent = await desk.ask(show, subject.kind === 'company' ? subject.callbackParameter : undefined);
    const receivedAt = this.#parts.now();
    if (holdMs > 0) await this.wait(holdMs);
    const form = { grant_type: 'authorization_code', code: consent.code.open(), redirect_uri: desk.redirectUri };
    const about = { tenantId: consent.tenantId, receivedAt };
    const first = await this.#exchange(form, about);
    const isDone = !challenge || first.authorisation !== undefined;
    const answers = isDone ? [first] : [first, await this.#exchange({ ...form, code_verifier: verifier }, about)];
    for (const { authorisation } of answers) {
      if (authorisation !== undefined) await this.#parts.check(this, authorisation);
    }
    return answers;
  }

  /** Refreshes with this value, by default with the newest. `extraHeaders: false` leaves the descriptor's own out. */
  async refresh(
    authorisation: Authorisation,
    value = newest(authorisation),
    { extraHeaders = true }: { readonly extraHeaders?: boolean } = {},
  ): Promise<Seen> {
    const isNewest = value === newest(authorisation);
    const sentAgeMs = this.#parts.now() - value.receivedAt;
    const form = { grant_type: 'refresh_token', refresh_token: value.token.open() };
    const headers = extraHeaders ? this.descriptor.tokenHeaders : {};
    const { result, seen } = await this.#requests.token(form, { headers });
    const tokens = this.#issuedIn(result);
    if (tokens === undefined) {
      if (isNewest && isRejected(seen)) authorisation.isAlive = false;
      return { ...seen, sentAgeMs };
    }
    authorisation.accessToken = tokens.accessToken;
    authorisation.isAlive = true;
    const { refreshToken } = tokens;
    if (refreshToken === undefined) return { ...seen, sentAgeMs };
    const received = { sent: value, receivedAt: this.#parts.now() };
    return { ...seen, sentAgeMs, refreshToken: remember(authorisation, refreshToken, received) };
  }

  /** Whether both are of the same company, or of the same user where that is what tokens belong to. */
  isSameSubject(one: Authorisation, other: Authorisation): boolean {
    const { subject } = this.descriptor;
    if (subject.kind === 'company') return one.tenantId === other.tenantId;
    const [left, right] = [one, other].map(({ accessToken }) => claimOf(accessToken, subject.accessTokenClaim));
    return left !== undefined && left === right;
  }

  /** GET of the resource API, of the company in `tenantId`; `body` where it is JSON. */
  async read(
    authorisation: Authorisation,
    path: string,
    tenantId?: string,
  ): Promise<{ readonly seen: Seen; readonly body?: unknown }> {
    const { result, seen } = await this.#requests.get(authorisation.accessToken, path, tenantId);
    return { seen, body: result.kind === 'answered' ? jsonOf(result.body) : undefined };
  }

  /** The companies of the token's user, all of them; `listed` is absent when the answer cannot be read. */
  async listCompanies(
    authorisation: Authorisation,
  ): Promise<{ readonly seen: Seen; readonly listed?: readonly Listed[] }> {
    const { tenants } = this.descriptor;
    if (tenants.kind !== 'list') throw new TypeError('this provider has no list of companies');
    const { seen, body } = await this.read(authorisation, tenants.path);
    if (!isOk(seen) || !Array.isArray(body)) return { seen };
    const entries = (body as readonly unknown[]).map((entry) => listedOf(entry, tenants.fields));
    const listed = entries.filter((entry) => entry !== undefined);
    return listed.length === entries.length ? { seen, listed } : { seen };
  }

  /** Ends one company's connection, where the provider has that. */
  async detach({ accessToken }: Authorisation, connectionId: string): Promise<Seen> {
    const { disconnect } = this.descriptor;
    if (disconnect.kind !== 'detach') throw new TypeError('this provider detaches nothing');
    return (await this.#requests.remove(accessToken, disconnect.path.replace('{id}', connectionId))).seen;
  }

  /** Revokes by a token of the authorisation. */
  async revoke(authorisation: Authorisation, encoding: 'json' | 'form', token?: Secret): Promise<Seen> {
    const { seen } = await this.#requests.revoke(token ?? newest(authorisation).token, encoding);
    if (isOk(seen)) Object.assign(authorisation, { isAlive: false, isRevoked: true });
    return seen;
  }

  #consentUrl(state: string, verifier: string | undefined): string {
    const { descriptor, hosts, client, desk } = this.#parts;
    const { clientId } = client;
    const url = authorizationUrl({ descriptor, hosts, clientId, redirectUri: desk.redirectUri, state });
    if (verifier === undefined) return url;
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    return `${url}&code_challenge=${challenge}&code_challenge_method=S256`;
  }

  async #exchange(
    form: Readonly<Record<string, string>>,
    { tenantId, receivedAt }: { readonly tenantId: string | undefined; readonly receivedAt: Instant },
  ): Promise<Exchanged> {
    const sentAgeMs = this.#parts.now() - receivedAt;
    const { result, seen: answered } = await this.#requests.token(form, { headers: this.descriptor.tokenHeaders });
    const tokens = this.#issuedIn(result);
    const seen = { ...answered, sentAgeMs };
    if (tokens?.refreshToken === undefined) return { seen };
    const claims = claimsIn(this.descriptor, tokens.accessToken);
    const exchanged = claims === undefined ? seen : { ...seen, claims };
    const authorisation: Authorisation = {
      ...(tenantId === undefined ? {} : { tenantId }),
      exchanged,
      accessToken: tokens.accessToken,
      values: [{ token: tokens.refreshToken, receivedAt: this.#parts.now() }],
      isAlive: true,
      isRevoked: false,
    };
    this.#authorisations.push(authorisation);
    return { seen: exchanged, authorisation };
  }

  /** Undefined where none can be read; unless the request was plainly refused, some may have been issued all the same. */
  #issuedIn(result: CallResult) {
    if (result.kind === 'not_sent') return undefined;
    if (result.kind === 'answered' && result.status >= 300 && result.status < 500) return undefined;
    const isIssued = result.kind === 'answered' && result.status < 300;
    const tokens = isIssued ? tokensOf(this.descriptor, jsonOf(result.body), result.sentAt) : 'unknown';
    if (typeof tokens !== 'string') return tokens;
    this.hasLostTokens = true;
    return undefined;
  }
}

/** Which of the claims that the descriptor names are there; undefined where it names none. */
function claimsIn({ subject, tenants }: ProviderDescriptor, token: Secret): readonly string[] | undefined {
  const names = [
    ...(subject.kind === 'user' ? [subject.accessTokenClaim] : []),
    ...(tenants.kind === 'list' && tenants.authorization !== undefined ? [tenants.authorization.claim] : []),
  ];
  return names.length === 0 ? undefined : names.filter((name) => claimOf(token, name) !== undefined);
}

function listedOf(entry: unknown, fields: { readonly id: string; readonly connectionId: string }): Listed | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { [fields.connectionId]: connectionId, [fields.id]: tenantId } = entry;
  return isId(connectionId) && isId(tenantId) ? { connectionId, tenantId } : undefined;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID_PATTERN.test(value);
}
