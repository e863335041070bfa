import * as z from 'zod/mini';
import type { ConsumerMap } from '../lib/domain/consumer.ts';
import { CONSUMER_MAP_FILE, METRICS, type ProviderId } from '../lib/domain/names.ts';
import { consumerOf, createConsumerMap } from '../lib/runtime/consumer-map.ts';
import { codeOf } from '../lib/runtime/describe-error.ts';
import { type Invocation, invokeHandler } from '../lib/runtime/invoke-handler.ts';
import { organizationIdSchema, parseInput, providerSchema } from '../lib/runtime/parse-input.ts';
import { countServe } from '../lib/runtime/serve-metrics.ts';
import { getAccessTokenPorts } from '../lib/runtime/wiring.ts';
import { type GetTokenPorts, getAccessToken, type ServedToken } from '../lib/service/get-access-token.ts';

/** Nobody needs a token for longer than providers make them last. */
const MAX_VALIDITY_SECONDS = 86_400;

const INPUT = z.strictObject({
  organizationId: organizationIdSchema,
  provider: providerSchema,
  minValiditySeconds: z.exactOptional(z.int().check(z.gte(0), z.lte(MAX_VALIDITY_SECONDS))),
  rejected: z.exactOptional(
    z.strictObject({ tokenVersion: z.int().check(z.gte(0)), reason: z.enum(['token', 'tenant']) }),
  ),
  correlationId: z.exactOptional(z.string()),
});

/** Hands the caller a valid access token of an organisation, as far as the alias it invoked may have it (design §9). */
export function createHandler(ports: () => GetTokenPorts, consumers: () => ConsumerMap) {
  const handle = async (event: unknown, { qualifier, correlationId, note }: Invocation): Promise<ServedToken> => {
    const consumer = consumerOf(consumers(), qualifier);
    const input = parseInput(INPUT, event);
    const { organizationId, provider } = input;
    note({ consumer: qualifier, organizationId, provider });
    const served = await counted(ports(), provider, (p) => getAccessToken(p, { ...input, consumer, correlationId }));
    note({ tokenVersion: served.tokenVersion, outcome: served.stale ? 'stale' : 'ok' });
    return served;
  };
  return invokeHandler('get-token', handle, { ended: countServe });
}

/** Counts a refusal; what was served is counted where it is known how. */
async function counted(
  ports: GetTokenPorts,
  provider: ProviderId,
  ask: (ports: GetTokenPorts) => Promise<ServedToken>,
): Promise<ServedToken> {
  try {
    return await ask(ports);
  } catch (error) {
    ports.count(METRICS.tokenServed, 1, { provider, outcome: codeOf(error) });
    throw error;
  }
}

export const handler = createHandler(
  getAccessTokenPorts,
  createConsumerMap(new URL(CONSUMER_MAP_FILE, import.meta.url)),
);
