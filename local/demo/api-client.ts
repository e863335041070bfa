import type { ProviderId } from '../../lib/domain/names.ts';
import { routePath } from '../../lib/domain/routes.ts';

/** An answer of the HTTP API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; an empty object when there was none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  /** `null`: without a key. Default: the client's. */
  readonly key?: string | null;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it stands. */
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Longer than the gateway's own 29 s. */
const TIMEOUT_MS = 35_000;

/** A partner's backend: the API with a key. */
export class ApiClient {
  readonly #apiUrl: string;
  readonly #key: string;
  #requests = 0;

  constructor({ apiUrl, apiKey }: { readonly apiUrl: string; readonly apiKey: string }) {
    this.#apiUrl = apiUrl;
    this.#key = apiKey;
  }

  /** How many requests were sent. */
  get requests(): number {
    return this.#requests;
  }

  /** `path` begins with `/v1`. */
  async send(path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    const {
      method = 'GET',
      key = this.#key,
      json,
      body = json === undefined ? undefined : JSON.stringify(json),
    } = request;
    this.#requests += 1;
    const answer = await fetch(this.#apiUrl + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === null ? {} : { 'x-api-key': key }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : {} };
  }

  /** Starts a connect flow; throws when it is not 201. */
  async createSession(session: {
    readonly organization_id: string;
    readonly provider: ProviderId;
    readonly user_id?: string;
    readonly tenant_id?: string;
    readonly return_url?: string;
  }): Promise<{ readonly sessionId: string; readonly connectUrl: string }> {
    const { status, body } = await this.send(routePath('createConnectSession'), { method: 'POST', json: session });
    if (status !== 201) throw new Error(`connect-sessions answered ${status} ${JSON.stringify(body)}`);
    return { sessionId: String(body.session_id), connectUrl: String(body.connect_url) };
  }

  async session(sessionId: string): Promise<ApiAnswer> {
    return await this.send(routePath('connectSessionStatus', { session_id: sessionId }));
  }

  async status(organizationId: string, provider: ProviderId): Promise<ApiAnswer> {
    return await this.send(routePath('status', { provider, organization_id: organizationId }));
  }

  async disconnect(organizationId: string, provider: ProviderId): Promise<ApiAnswer> {
    return await this.send(routePath('disconnect', { provider, organization_id: organizationId }), { method: 'POST' });
  }
}
