import { ACCOUNT, REGION } from '../assembly/intrinsics.ts';
import type { ApiAuthorizer, ApiResource } from '../assembly/model.ts';
import { isRecord } from '../assembly/template.ts';
import { matchesWildcard, toList } from '../aws/iam-patterns.ts';
import { baseEvent, type GatewayRequest, headerOf } from './request.ts';
import { GatewayRefusal } from './responses.ts';
import type { MatchedRoute } from './router.ts';

/** What an authorizer's function said about somebody, for `requestContext.authorizer`; all values are text. */
export type AuthorizerContext = Readonly<Record<string, string>>;

/** A parsed answer of an authorizer's function. */
interface Verdict {
  readonly context: AuthorizerContext;
  readonly statements: readonly Record<string, unknown>[];
}

export interface Authorizers {
  /**
   * Lets a request through and gives the authorizer's context. Refuses with UNAUTHORIZED when an identity source is
   * missing or the function says "Unauthorized", ACCESS_DENIED when its policy does not allow this method and path,
   * AUTHORIZER_FAILURE when the function fails, AUTHORIZER_CONFIGURATION_ERROR when its answer makes no sense.
   */
  authorize(authorizer: ApiAuthorizer, route: MatchedRoute, request: GatewayRequest): Promise<AuthorizerContext>;
}

/** Runs an authorizer's function: its answer parsed, or the message of its failure. */
export type CallAuthorizer = (
  authorizer: ApiAuthorizer,
  event: object,
) => Promise<{ readonly answer: unknown } | { readonly errorMessage: string }>;

/**
 * Lambda authorizers with API Gateway's cache: for `ttlSeconds` of the platform's clock the same identity values get
 * the same policy, which is evaluated anew for each method and path.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
export function createAuthorizers(options: {
  readonly api: ApiResource;
  readonly call: CallAuthorizer;
  now(): number;
}): Authorizers {
  const { api } = options;
  const cache = new Map<string, { readonly verdict: Verdict; readonly validUntil: number }>();

  async function verdictFor(authorizer: ApiAuthorizer, route: MatchedRoute, request: GatewayRequest): Promise<Verdict> {
    const identity = readIdentity(authorizer, request);
    const key = JSON.stringify([authorizer.id, ...identity]);
    const cached = cache.get(key);
    if (cached !== undefined && cached.validUntil > options.now()) return cached.verdict;
    const event = authorizerEvent(authorizer, { api, route, request, identity });
    const verdict = readVerdict(await options.call(authorizer, event));
    if (authorizer.ttlSeconds > 0) {
      cache.set(key, { verdict, validUntil: options.now() + authorizer.ttlSeconds * 1000 });
    }
    return verdict;
  }

  return {
    async authorize(authorizer, route, request) {
      const verdict = await verdictFor(authorizer, route, request);
      requireAllowed(verdict, methodArn(api, request));
      return verdict.context;
    },
  };
}

function readIdentity(authorizer: ApiAuthorizer, request: GatewayRequest): readonly string[] {
  return authorizer.identitySources.map((source) => {
    const value = readSource(source, request);
    if (value === undefined || value === '') throw new GatewayRefusal('UNAUTHORIZED');
    if (authorizer.validation !== undefined && !new RegExp(`^(?:${authorizer.validation})$`).test(value)) {
      throw new GatewayRefusal('UNAUTHORIZED');
    }
    return value;
  });
}

function readSource(source: string, request: GatewayRequest): string | undefined {
  const [, kind, name = ''] = /^method\.request\.(header|querystring)\.(.+)$/.exec(source) ?? [];
  if (kind === 'header') return headerOf(request, name);
  if (kind === 'querystring') return request.query.get(name) ?? undefined;
  throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR');
}

function methodArn(api: ApiResource, request: GatewayRequest): string {
  const path = request.path.replace(/^\//, '');
  return `arn:aws:execute-api:${REGION}:${ACCOUNT}:${api.id}/${api.stage}/${request.httpMethod}/${path}`;
}

function authorizerEvent(
  authorizer: ApiAuthorizer,
  {
    api,
    route,
    request,
    identity,
  }: { api: ApiResource; route: MatchedRoute; request: GatewayRequest; identity: readonly string[] },
): object {
  const common = { type: authorizer.type, methodArn: methodArn(api, request) };
  if (authorizer.type === 'TOKEN') return { ...common, authorizationToken: identity[0] };
  return { ...common, ...baseEvent(api, route, request) };
}

function readVerdict(result: Awaited<ReturnType<CallAuthorizer>>): Verdict {
  if ('errorMessage' in result) {
    throw new GatewayRefusal(result.errorMessage === 'Unauthorized' ? 'UNAUTHORIZED' : 'AUTHORIZER_FAILURE');
  }
  const { answer } = result;
  const document = isRecord(answer) ? answer.policyDocument : undefined;
  if (!isRecord(answer) || typeof answer.principalId !== 'string' || !isRecord(document)) {
    throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR');
  }
  const statements = toList<unknown>(document.Statement);
  if (!statements.every(isEvaluable)) throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR');
  return { statements, context: { ...readContext(answer.context), principalId: answer.principalId } };
}

/** Statements with conditions or negations cannot be judged here, so they are refused and not ignored. */
function isEvaluable(statement: unknown): statement is Record<string, unknown> {
  return isRecord(statement) && 'Action' in statement && 'Resource' in statement && !('Condition' in statement);
}

function readContext(context: unknown): Record<string, string> {
  if (context === undefined || context === null) return {};
  if (!isRecord(context) || Object.values(context).some((value) => typeof value === 'object')) {
    throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR');
  }
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)]));
}

function requireAllowed({ statements }: Verdict, arn: string): void {
  const applying = statements.filter(
    ({ Action, Resource }) =>
      toList(Action).some((action) => matchesWildcard(String(action), 'execute-api:Invoke', { ignoreCase: true })) &&
      toList(Resource).some((resource) => matchesWildcard(String(resource), arn)),
  );
  if (applying.some(({ Effect }) => Effect !== 'Allow')) {
    throw new GatewayRefusal('ACCESS_DENIED', 'User is not authorized to access this resource with an explicit deny');
  }
  if (applying.length === 0) throw new GatewayRefusal('ACCESS_DENIED');
}
