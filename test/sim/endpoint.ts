import type { Instant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { DutyOutcome, TokenOutcome } from '../../lib/domain/outcome.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { outcomeOf, type RefusedOutcome } from '../../lib/oauth/classify.ts';
import { PROVIDERS } from '../../lib/providers/index.ts';
import type { ClientCredentials, TokenEndpoint } from '../../lib/service/ports.ts';
import type { SimContext } from './context.ts';
import type { Reply } from './network.ts';
import type { Process } from './process.ts';
import type { Issue } from './provider.ts';

type Phase = 'refresh' | 'exchange';
/** What the provider says to a request that reached it. */
type Said = { readonly issue: Issue } | { readonly error: 'invalid_grant' | 'invalid_client' };
type Asked<K extends 'refresh' | 'exchange' | 'revoke' | 'probe'> = Parameters<TokenEndpoint[K]>[0];

/** The token endpoint as one process reaches it; refusals are classified by the product's own rules. */
export class SimEndpoint implements TokenEndpoint {
  readonly #context: SimContext;
  readonly #process: Process;

  constructor(context: SimContext, process: Process) {
    this.#context = context;
    this.#process = process;
  }

  async refresh({ provider, refreshToken, client }: Asked<'refresh'>): Promise<TokenOutcome> {
    const value = refreshToken.open();
    const sentAt = this.#now();
    const carryOut = () => this.#refusedClient(client) ?? this.#refreshed(value);
    const addressed = { subject: this.#ownerOf(value), isUnderLease: true };
    const reply = await this.#context.network.send(this.#process, addressed, { carryOut, lost: this.#lost });
    return this.#outcomeFor(provider, 'refresh', reply, sentAt);
  }

  async exchange({ provider, code, client }: Asked<'exchange'>): Promise<TokenOutcome> {
    const sentAt = this.#now();
    const [subject, tenant] = this.#context.authorisationOf(code.open());
    const issue = () => this.#kept(this.#context.provider.authorise(subject, tenant));
    const carryOut = () => this.#refusedClient(client) ?? issue();
    const addressed = { subject: `exchange ${code.open()}`, isUnderLease: false };
    const reply = await this.#context.network.send(this.#process, addressed, { carryOut, lost: this.#lost });
    return this.#outcomeFor(provider, 'exchange', reply, sentAt);
  }

  async revoke({ token, client }: Asked<'revoke'>): Promise<DutyOutcome> {
    const { provider, network } = this.#context;
    const value = token.open();
    const revoked = () => {
      provider.revokeToken(value);
      return 'done' as const;
    };
    const carryOut = () => this.#refusedClient(client) ?? revoked();
    const addressed = { subject: this.#ownerOf(value), isUnderLease: true };
    const reply = await network.send(this.#process, addressed, { carryOut, lost: () => undefined });
    if (reply.kind !== 'answered') return { kind: 'RETRY', reason: reply.kind };
    return reply.answer === 'done' ? { kind: 'DONE' } : { kind: 'CONFIG', reason: 'invalid_client' };
  }

  async probe({ provider, client }: Asked<'probe'>): Promise<RefusedOutcome | { kind: 'NOT_SENT'; reason: string }> {
    this.#context.situations.saw('probe');
    const carryOut = (): Said => this.#refusedClient(client) ?? { error: 'invalid_grant' };
    const addressed = { subject: `probe ${this.#process.name}`, isUnderLease: false };
    const reply = await this.#context.network.send(this.#process, addressed, { carryOut, lost: () => undefined });
    const outcome = this.#outcomeFor(provider, 'exchange', reply, this.#now());
    if (outcome.kind === 'OK') throw new TypeError('a probe is never granted anything');
    return outcome;
  }

  #now(): Instant {
    return this.#context.clockOf(this.#process).now();
  }

  #ownerOf(value: string): string {
    return this.#context.provider.ownerOf(value) ?? value;
  }

  /** What is asked of every request before it is looked at any closer. */
  #refusedClient({ clientSecret }: ClientCredentials): Said | undefined {
    if (clientSecret.open() === this.#context.client.accepted()) return undefined;
    this.#context.situations.saw('client_refused');
    return { error: 'invalid_client' };
  }

  #refreshed(value: string): Said {
    const { weather, situations, provider } = this.#context;
    if (weather.isOn('provider_denies')) {
      situations.saw('denied_to_everyone');
      return { error: 'invalid_grant' };
    }
    this.#context.onRefreshed(value, this.#process);
    const issue = provider.refresh(value);
    return issue === undefined ? { error: 'invalid_grant' } : this.#kept(issue);
  }

  /** From here on somebody has to take care of the token. */
  #kept(issue: Issue): Said {
    const { provider, custody } = this.#context;
    const token = issue.refresh === undefined ? undefined : provider.token(issue.refresh);
    if (token !== undefined && !this.#context.isKnown(token.value)) custody.issued(token, this.#process);
    return { issue };
  }

  readonly #lost = (said: Said): void => {
    if ('issue' in said && said.issue.refresh !== undefined) this.#context.custody.lostOnWire(said.issue.refresh);
  };

  #outcomeFor(id: ProviderId, phase: Phase, reply: Reply<Said>, sentAt: Instant): TokenOutcome {
    switch (reply.kind) {
      case 'not_sent':
        return { kind: 'NOT_SENT', reason: 'connect_refused' };
      case 'cut':
        return { kind: 'UNKNOWN', answer: 'cut', reason: reply.reason };
      case 'html':
        return { kind: 'UNKNOWN', answer: 'complete', reason: 'not_json' };
      case 'server_error':
        return this.#refusal(id, phase, 502, null);
      case 'throttled':
        return this.#refusal(id, phase, 429, null);
      case 'answered':
        if ('issue' in reply.answer) return this.#issued(reply.answer.issue, sentAt);
        return this.#refusal(id, phase, reply.answer.error === 'invalid_client' ? 401 : 400, reply.answer.error);
    }
  }

  #refusal(id: ProviderId, phase: Phase, status: number, error: string | null): RefusedOutcome {
    const retryAfter = status === 429 ? this.#context.retryAfter() : undefined;
    if (status === 429) {
      this.#context.situations.saw(retryAfter === undefined ? 'throttled_bare' : 'throttled_retry_after');
    }
    const refusal = { phase, status, error, ...(retryAfter === undefined ? {} : { retryAfter }) };
    return outcomeOf(PROVIDERS[id], refusal, this.#now());
  }

  #issued({ access, refresh }: Issue, sentAt: Instant): TokenOutcome {
    this.#process.hasAnswer = true;
    if (refresh !== undefined) this.#context.custody.delivered(refresh);
    return {
      kind: 'OK',
      tokens: {
        accessToken: new Secret(access),
        ...(refresh === undefined ? {} : { refreshToken: new Secret(refresh) }),
        tokenType: 'Bearer',
        expiresInSeconds: this.#context.provider.lifeSeconds,
        sentAt,
      },
    };
  }
}
