import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { ProviderId } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secret.ts';

/** What get-token is asked (design §9). */
export interface TokenQuestion {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly minValiditySeconds?: number;
  readonly rejected?: { readonly tokenVersion: number; readonly reason: 'token' | 'tenant' };
}

export interface TokenServed {
  readonly status: 'ok';
  readonly accessToken: Secret;
  readonly tokenType: string;
  readonly expiresAt: string;
  readonly tokenVersion: number;
  readonly tenantId: string;
  readonly environment: string;
  readonly apiBaseUrl: string;
  readonly stale?: true;
}

export interface TokenRefused {
  readonly status: 'error';
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly retryAfterSeconds?: number;
  readonly reconnectRequired?: true;
}

export type TokenAnswer = TokenServed | TokenRefused;

/** A burst of the demo is 200 callers; each is to have its own connection, as 200 Lambdas would. */
const MAX_SOCKETS = 256;

/** get-token waits 10 s for a refresh; the rest is for threads that have to start first. */
const TIMEOUT_MS = 40_000;

/** What another Lambda of the company does: invokes get-token by its alias, with the AWS SDK. */
export class TokenClient {
  readonly #lambda: LambdaClient;
  readonly #alias: string;
  readonly #durationsMs: number[] = [];

  constructor(platform: {
    readonly awsEndpointUrl: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly functions: { readonly 'get-token': string };
  }) {
    this.#alias = platform.functions['get-token'];
    this.#lambda = new LambdaClient({
      endpoint: platform.awsEndpointUrl,
      region: platform.region,
      credentials: { ...platform.credentials },
      // A second try would hide what the first one met.
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: TIMEOUT_MS,
        throwOnRequestTimeout: true,
        httpAgent: { maxSockets: MAX_SOCKETS },
      },
    });
  }

  /** How long each call took so far, in milliseconds, in the order of their ends. */
  get durationsMs(): readonly number[] {
    return this.#durationsMs;
  }

  /** `functionName`: default is the alias of the default consumer. */
  async get(question: TokenQuestion, functionName = this.#alias): Promise<TokenAnswer> {
    const startedAt = performance.now();
    const answer = await this.invoke(functionName, question);
    this.#durationsMs.push(performance.now() - startedAt);
    return sealed(answer);
  }

  /** The token, or an error that says which code came instead. */
  async need(question: TokenQuestion): Promise<TokenServed> {
    const answer = await this.get(question);
    if (answer.status !== 'ok') throw new Error(`get-token answered ${answer.code} for ${question.organizationId}`);
    return answer;
  }

  /** Invokes any function and gives its parsed answer; throws what the function threw. */
  async invoke(functionName: string, payload: unknown): Promise<unknown> {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) });
    const { Payload, FunctionError } = await this.#lambda.send(command);
    const text = Payload?.transformToString() ?? 'null';
    if (FunctionError !== undefined) throw new Error(`${functionName.split(':')[6]} failed: ${text}`);
    return JSON.parse(text);
  }

  stop(): void {
    this.#lambda.destroy();
  }
}

/** The answer with its token wrapped, so that nothing that prints it shows the token. */
function sealed(answer: unknown): TokenAnswer {
  const { accessToken, ...rest } = answer as TokenRefused & { readonly accessToken?: string };
  return (accessToken === undefined ? rest : { ...rest, accessToken: new Secret(accessToken) }) as TokenAnswer;
}
