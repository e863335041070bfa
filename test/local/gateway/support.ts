import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiAuthorizer, ApiMethod, ApiResource, FunctionResource } from '../../../local/assembly/model.ts';
import { createGateway, type GatewayOptions } from '../../../local/gateway/gateway.ts';
import { resolveFunction } from '../../../local/lambda/names.ts';
import type { Invocation } from '../../../local/lambda/runtime.ts';

export const WORKER_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:worker';
export const JUDGE_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:judge';

export const KEY_AUTHORIZER: ApiAuthorizer = {
  id: 'keys',
  type: 'REQUEST',
  functionArn: JUDGE_ARN,
  identitySources: ['method.request.header.X-API-Key'],
  ttlSeconds: 60,
};

/** A method that calls the worker. */
export function method(httpMethod: string, path: string, changes: Partial<ApiMethod> = {}): ApiMethod {
  return {
    httpMethod,
    path,
    resourceId: `${httpMethod} ${path}`,
    integration: { kind: 'lambda', functionArn: WORKER_ARN, timeoutMs: 29_000 },
    ...changes,
  };
}

export function apiOf(
  methods: readonly ApiMethod[],
  gatewayResponses: ApiResource['gatewayResponses'] = {},
): ApiResource {
  return { id: 'abc', stage: 'api', methods, gatewayResponses };
}

/** A function in this process: gets the parsed event, gives the answer or throws. */
export type FakeFunction = (event: Record<string, unknown>) => unknown;

/** A gateway on a free port; `functions` by ARN. */
export async function serveGateway(
  options: Pick<GatewayOptions, 'api'> & Partial<GatewayOptions> & { readonly functions: Record<string, FakeFunction> },
) {
  const resources = Object.keys(options.functions).map(
    (arn) => ({ arn, aliases: {}, versions: [] }) as unknown as FunctionResource,
  );
  const gateway = createGateway({
    permissions: resources.map(({ arn }) => ({ functionArn: arn, principal: 'apigateway.amazonaws.com' })),
    now: () => Date.UTC(2026, 10, 20, 13, 20),
    runtime: {
      resolve: (nameOrArn, qualifier) => resolveFunction(resources, nameOrArn, qualifier),
      invoke: async (target, payload) => run(options.functions[target.resource.arn], payload),
    },
    ...options,
  });
  const server = createServer((request, response) => void gateway.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api`,
    port,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function run(worker: FakeFunction | undefined, payload: string): Promise<Invocation> {
  try {
    const answer = await worker?.(JSON.parse(payload) as Record<string, unknown>);
    return { kind: 'answered', requestId: 'r', payload: JSON.stringify(answer) ?? 'null' };
  } catch (error) {
    const errorMessage = error instanceof Error ? error.message : '';
    return { kind: 'failed', requestId: 'r', failure: { errorType: 'Error', errorMessage } };
  }
}
