import * as z from 'zod/mini';
import { GrantkeeperError } from '../lib/domain/errors.ts';
import { accessPolicy, refusedRoute } from '../lib/runtime/access-policy.ts';
import { throwingHandler } from '../lib/runtime/invoke-handler.ts';
import { countDenial } from '../lib/runtime/metrics.ts';
import { parseInput } from '../lib/runtime/parse-input.ts';
import { authorizeKeyPorts } from '../lib/runtime/wiring.ts';
import { type AuthorizeKeyPorts, authorizeKey } from '../lib/service/authorize-key.ts';

/** The part of API Gateway's REQUEST authorizer event that is read. */
const EVENT = z.object({
  methodArn: z.string(),
  resource: z.nullish(z.string()),
  httpMethod: z.nullish(z.string()),
  headers: z.nullish(z.record(z.string(), z.optional(z.string()))),
  multiValueHeaders: z.nullish(z.record(z.string(), z.optional(z.array(z.string())))),
});

/** The word for which API Gateway answers 401; any other error is a 500, and a policy without the route a 403. */
const UNAUTHORIZED = 'Unauthorized';

/** Says which routes the API key in `X-API-Key` opens. */
export function createHandler(ports: () => AuthorizeKeyPorts) {
  return throwingHandler(
    'authorizer',
    async (event, { note }) => {
      const { methodArn, resource, httpMethod, ...headers } = parseInput(EVENT, event);
      const { environment, ...others } = ports();
      const key = await authorizeKey({ environment, ...others }, presentedKey(headers));
      note({ keyId: key.id });
      const route = refusedRoute(key, { resource, httpMethod });
      if (route !== undefined) {
        // The gateway will refuse it, where nobody counts.
        countDenial(new GrantkeeperError('forbidden'));
        note({ route, code: 'forbidden' });
      }
      return accessPolicy(key, methodArn, environment);
    },
    (code) => (code === 'unauthorized' ? new Error(UNAUTHORIZED) : new GrantkeeperError(code)),
  );
}

/** The one value of the header; two different keys are as good as none. */
function presentedKey({
  headers,
  multiValueHeaders,
}: Pick<z.infer<typeof EVENT>, 'headers' | 'multiValueHeaders'>): string | undefined {
  const isKeyHeader = ([name]: readonly [string, unknown]) => name.toLowerCase() === 'x-api-key';
  const many = Object.entries(multiValueHeaders ?? {}).find(isKeyHeader)?.[1];
  if (many !== undefined && many.length > 1) return undefined;
  return many?.[0] ?? Object.entries(headers ?? {}).find(isKeyHeader)?.[1];
}

export const handler = createHandler(authorizeKeyPorts);
