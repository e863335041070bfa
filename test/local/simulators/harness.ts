import { setTimeout as wait } from 'node:timers/promises';
import type { MovableClock } from '../../../local/clock.ts';
import type { LedgerEntry } from '../../../local/simulators/ledger.ts';
import { type Simulators, startSimulators } from '../../../local/simulators/server.ts';

export const START = Date.parse('2026-11-20T09:00:00Z');
export const QUICKBOOKS = { clientId: 'qb-client', clientSecret: 'qb-secret' };
export const OTHER_QUICKBOOKS = { clientId: 'qb-sandbox', clientSecret: 'qb-sandbox-secret' };
export const XERO = { clientId: 'xero-client', clientSecret: 'xero-secret' };
export const CALLBACK = 'http://localhost:8080/callback';
export const ACME_REALM = '9341453000000001';
export const ACCOUNTANT_ID = 'acc00000-0000-4000-8000-00000000000a';
export const ACME_TENANT = 'c0ffee00-0000-4000-8000-000000000001';
export const BIRCH_TENANT = 'c0ffee00-0000-4000-8000-000000000002';
const XERO_SCOPE = 'offline_access accounting.settings';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into provider bodies of every shape.
  readonly body: any;
}

/** Simulators over a clock that stands still until it is told, and a client for them. */
export class Bench {
  readonly clock: MovableClock;
  readonly #simulators: Simulators;

  private constructor(clock: MovableClock, simulators: Simulators) {
    this.clock = clock;
    this.#simulators = simulators;
  }

  static async start(options: Partial<Parameters<typeof startSimulators>[0]> = {}): Promise<Bench> {
    const clock = stillClock();
    const credentials = { quickbooks: { ...QUICKBOOKS, others: [OTHER_QUICKBOOKS] }, xero: XERO };
    return new Bench(clock, await startSimulators({ clock, credentials, ...options }));
  }

  get quickbooks(): string {
    return this.#simulators.origins.quickbooks;
  }

  get xero(): string {
    return this.#simulators.origins.xero;
  }

  stop(): Promise<void> {
    return this.#simulators.stop();
  }

  ledger(): LedgerEntry[] {
    return this.#simulators.ledger();
  }

  issuedSecrets(): string[] {
    return this.#simulators.issuedSecrets();
  }

  async reset(): Promise<void> {
    for (const origin of [this.quickbooks, this.xero]) {
      await this.admin(origin, 'reset', {});
      await this.admin(origin, 'config', { latencyMs: 0 });
    }
  }

  admin(origin: string, path: string, body: unknown): Promise<Answer> {
    return send(`${origin}/_sim/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** Through the consent page of Intuit; gives the callback URL. */
  async quickBooksConsent(form: Record<string, string> = {}, query: Record<string, string> = {}): Promise<URL> {
    const url = quickBooksAuthorizeUrl(this.quickbooks, query);
    return await consent(url, Object.entries({ decision: 'allow', company: ACME_REALM, ...form }));
  }

  async xeroConsent(user = 'accountant', tenants = [ACME_TENANT], scope = XERO_SCOPE): Promise<URL> {
    const url = xeroAuthorizeUrl(this.xero, { scope });
    return await consent(url, [['decision', 'allow'], ['user', user], ...tenants.map((id) => ['tenant', id] as const)]);
  }

  /** A connected company: the body of the exchange's answer. */
  async connectQuickBooks(headers: Record<string, string> = {}): Promise<Answer['body']> {
    const code = (await this.quickBooksConsent()).searchParams.get('code') ?? '';
    return (await this.quickBooksToken({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK }, headers))
      .body;
  }

  async connectXero(user?: string, tenants?: string[], scope?: string): Promise<Answer['body']> {
    const code = (await this.xeroConsent(user, tenants, scope)).searchParams.get('code') ?? '';
    return (await this.xeroToken({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK })).body;
  }

  quickBooksToken(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    return postForm(`${this.quickbooks}/oauth2/v1/tokens/bearer`, form, { ...basic(QUICKBOOKS), ...headers });
  }

  quickBooksRefresh(value: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.quickBooksToken({ grant_type: 'refresh_token', refresh_token: value }, headers);
  }

  companyInfo(accessToken: string, realmId = ACME_REALM): Promise<Answer> {
    return send(`${this.quickbooks}/v3/company/${realmId}/companyinfo/${realmId}?minorversion=75`, {
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
    });
  }

  xeroToken(form: Record<string, string>): Promise<Answer> {
    return postForm(`${this.xero}/connect/token`, form, basic(XERO));
  }

  xeroRefresh(value: string): Promise<Answer> {
    return this.xeroToken({ grant_type: 'refresh_token', refresh_token: value });
  }

  xeroApi(path: string, accessToken: string, tenantId?: string, method = 'GET'): Promise<Answer> {
    const headers = { authorization: `Bearer ${accessToken}`, ...(tenantId ? { 'xero-tenant-id': tenantId } : {}) };
    return send(`${this.xero}${path}`, { method, headers });
  }
}

export function quickBooksAuthorizeUrl(origin: string, query: Record<string, string> = {}): string {
  return `${origin}/connect/oauth2?${new URLSearchParams({
    client_id: QUICKBOOKS.clientId,
    response_type: 'code',
    scope: 'com.intuit.quickbooks.accounting',
    redirect_uri: CALLBACK,
    state: 'state-1',
    ...query,
  })}`;
}

export function xeroAuthorizeUrl(origin: string, query: Record<string, string> = {}): string {
  return `${origin}/identity/connect/authorize?${new URLSearchParams({
    client_id: XERO.clientId,
    response_type: 'code',
    scope: XERO_SCOPE,
    redirect_uri: CALLBACK,
    state: 'state-1',
    ...query,
  })}`;
}

export async function consent(url: string, fields: readonly (readonly [string, string])[]): Promise<URL> {
  const form = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value]));
  const answer = await fetch(url, { method: 'POST', body: form, redirect: 'manual' });
  if (answer.status !== 302) throw new Error(`consent answered ${answer.status}`);
  return new URL(answer.headers.get('location') ?? '');
}

export function postForm(url: string, form: Record<string, string>, headers: Record<string, string>): Promise<Answer> {
  return send(url, { method: 'POST', headers, body: new URLSearchParams(form) });
}

export function basic({ clientId, clientSecret }: { clientId: string; clientSecret: string }): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` };
}

export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(url, { redirect: 'manual', ...init });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false;
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

/** Polls until it is so, at most two seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries === 200) throw new Error('did not happen within two seconds');
    await wait(10);
  }
}

function stillClock(): MovableClock {
  let now = START;
  return {
    now: () => now,
    advance(seconds) {
      now += seconds * 1000;
    },
    offset: new SharedArrayBuffer(8),
  };
}
