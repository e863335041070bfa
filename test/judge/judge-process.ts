/**
 * The judge, a process of its own: oidc-provider, a certified OpenID provider that nobody here wrote, in the shape of
 * Intuit's token endpoint with the strictest rotation there is. Every refresh spends the token that was sent, and a
 * token sent twice revokes its whole family.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { type Context, Provider } from 'oidc-provider';
import { quickbooks } from '../../lib/providers/quickbooks.ts';
import { listenOnLoopback } from '../../local/simulators/listener.ts';
import { serve } from '../kill/children.ts';
import { createJudgeStore } from './judge-store.ts';
import { REDIRECT_URI } from './redirect-uri.ts';

/** What can be asked of the judge. */
export type JudgeHandlers = typeof handlers;

export interface JudgeClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What the judge has seen so far, from its own events. */
export interface JudgeLedger {
  /** Successful refreshes by subject. */
  readonly redemptions: ReadonlyMap<string, number>;
  /** Refresh tokens it marked as spent; each redemption spends one. */
  readonly consumed: number;
  readonly invalidGrant: number;
  readonly familiesRevoked: number;
  /** Refusals of any other kind, by error. */
  readonly otherErrors: Readonly<Record<string, number>>;
}

const SCOPE = `${quickbooks.scopes.join(' ')} offline_access`;
const DAY_SECONDS = 86_400;

const redemptions = new Map<string, number>();
const otherErrors: Record<string, number> = {};
const seen = { consumed: 0, invalidGrant: 0, familiesRevoked: 0 };
let judge: { readonly provider: Provider; readonly clientId: string } | undefined;

const handlers = {
  /** Answers its origin. */
  async start({ clientId, clientSecret }: JudgeClient): Promise<string> {
    let receive: ReturnType<Provider['callback']> | undefined;
    const { port } = await listenOnLoopback(0, (request, response) => receive?.(request, response));
    const origin = `http://localhost:${port}`;
    const provider = new Provider(origin, configuration({ clientId, clientSecret }));
    record(provider);
    receive = provider.callback();
    judge = { provider, clientId };
    return origin;
  },
  /** Authorises our client for each subject and answers the codes, as after a user's consent. */
  async authorize(subjects: readonly string[]): Promise<readonly string[]> {
    return Promise.all(subjects.map(consent));
  },
  ledger: (_: undefined): JudgeLedger => ({ redemptions, ...seen, otherErrors }),
};

function configuration({ clientId, clientSecret }: JudgeClient) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    adapter: createJudgeStore(),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [REDIRECT_URI],
      },
    ],
    routes: { token: quickbooks.paths.token },
    scopes: SCOPE.split(' '),
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    features: { devInteractions: { enabled: false } },
    findAccount: async (_: unknown, accountId: string) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    ttl: {
      AccessToken: quickbooks.lifetimes.accessSeconds,
      AuthorizationCode: 600,
      RefreshToken: 100 * DAY_SECONDS,
      Grant: 5 * 365 * DAY_SECONDS,
    },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
  };
}

/** Its events are the ledger: what the judge says happened, not what we believe. */
function record(provider: Provider): void {
  provider.on('grant.success', ({ oidc }: Context) => {
    if (oidc.params?.grant_type !== 'refresh_token') return;
    const subject = oidc.entities.RotatedRefreshToken?.accountId ?? 'not rotated';
    redemptions.set(subject, (redemptions.get(subject) ?? 0) + 1);
  });
  provider.on('refresh_token.consumed', () => {
    seen.consumed += 1;
  });
  provider.on('grant.revoked', () => {
    seen.familiesRevoked += 1;
  });
  provider.on('grant.error', (_: Context, { error }: { readonly error: string }) => {
    if (error === 'invalid_grant') seen.invalidGrant += 1;
    else otherErrors[error] = (otherErrors[error] ?? 0) + 1;
  });
  provider.on('server_error', (_: Context, error: Error) => {
    otherErrors.server_error = (otherErrors.server_error ?? 0) + 1;
    console.error('the judge failed', error);
  });
}

async function consent(accountId: string): Promise<string> {
  if (judge === undefined) throw new Error('the judge has not started');
  const { provider, clientId } = judge;
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save(5 * 365 * DAY_SECONDS);
  const code = { accountId, client, grantId, redirectUri: REDIRECT_URI, scope: SCOPE, gty: 'authorization_code' };
  return new provider.AuthorizationCode(code).save();
}

serve(handlers);
