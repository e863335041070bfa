import type { ProviderId } from '../../lib/domain/names.ts';
import type { Secret } from '../../lib/domain/secret.ts';
import type { Fault } from '../simulators/faults.ts';
import type { LedgerEntry } from '../simulators/ledger.ts';
import type { Settings } from '../simulators/settings.ts';

/** One provider's simulator, seen from outside: its admin surface, and its API as our customers' code calls it. */
export class ProviderDesk {
  readonly provider: ProviderId;
  readonly origin: string;

  constructor(provider: ProviderId, origin: string) {
    this.provider = provider;
    this.origin = origin;
  }

  /** Every request to its token and revoke endpoints, and each DELETE of a connection; newest last. */
  async ledger(): Promise<readonly LedgerEntry[]> {
    return ((await this.#admin('GET', 'ledger')) as { entries: LedgerEntry[] }).entries;
  }

  /** The refreshes of the ledger, of one company or Xero user if named. */
  async refreshes(subject?: string): Promise<readonly LedgerEntry[]> {
    return (await this.ledger()).filter(
      (entry) =>
        entry.grantType === 'refresh_token' &&
        (subject === undefined || entry.tenantId === subject || entry.subject === subject),
    );
  }

  /** Every code, token and client secret it ever issued or knew. */
  async issued(): Promise<readonly string[]> {
    return ((await this.#admin('GET', 'issued')) as { secrets: string[] }).secrets;
  }

  async fault(fault: Omit<Fault, 'times'> & { readonly times?: number }): Promise<void> {
    await this.#admin('POST', 'faults', fault);
  }

  /** Ends whatever fault has not struck yet. */
  async recover(): Promise<void> {
    await this.#admin('DELETE', 'faults');
  }

  /** The provider takes another client secret from now on. */
  async changeSecret(clientSecret: string): Promise<void> {
    await this.#admin('POST', 'secret', { clientSecret });
  }

  async configure(settings: Partial<Settings>): Promise<void> {
    await this.#admin('POST', 'config', settings);
  }

  /** The user disconnects the app in the provider's own pages. */
  async revoke(tenantId: string): Promise<void> {
    await this.#admin('POST', 'revoke', { tenantId });
  }

  /** Status and company name that the provider's API answers for a token. */
  async company(accessToken: Secret, tenantId: string): Promise<{ readonly status: number; readonly name?: string }> {
    const { path, headers, nameIn } = COMPANY[this.provider](tenantId);
    const answer = await fetch(this.origin + path, {
      headers: { authorization: `Bearer ${accessToken.open()}`, accept: 'application/json', ...headers },
    });
    const body = await answer.text();
    const name = answer.ok ? nameIn.exec(body)?.[1] : undefined;
    return { status: answer.status, ...(name === undefined ? {} : { name }) };
  }

  async #admin(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.origin}/_sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${this.provider} simulator: ${path} answered ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}

/** Where each provider tells a company's name. */
const COMPANY: Readonly<
  Record<ProviderId, (tenantId: string) => { path: string; headers: Record<string, string>; nameIn: RegExp }>
> = {
  quickbooks: (realmId) => ({
    path: `/v3/company/${realmId}/companyinfo/${realmId}?minorversion=75`,
    headers: {},
    nameIn: /"CompanyName":"([^"]*)"/,
  }),
  xero: (tenantId) => ({
    path: '/api.xro/2.0/Organisation',
    headers: { 'xero-tenant-id': tenantId },
    nameIn: /"Name":"([^"]*)"/,
  }),
};
