import { METRICS, type ThrottledService } from '../domain/names.ts';
import type { CountMetric } from '../service/ports.ts';

/**
 * The names under which services say that they are asked too much (the SDK's own list of throttling errors, and those of a
 * transaction's reasons). A quota on how many of something there may be is none of them.
 */
const THROTTLED: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottledException',
  'Throttling',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'BandwidthLimitExceeded',
  'SlowDown',
]);
const THROTTLED_REASONS: ReadonlySet<string> = new Set(['ThrottlingError', 'ProvisionedThroughputExceeded']);

/** One try of a request, from what is sent to what came back; throws what the service refused it with. */
type Try = (args: never) => Promise<{ readonly response: unknown; readonly output?: object }>;

/** The part of a client this file touches; all SDK clients have it. */
export interface Watched {
  readonly middlewareStack: {
    add(
      middleware: (next: Try) => Try,
      options: { readonly step: 'deserialize'; readonly priority: 'high'; readonly name: string },
    ): void;
  };
}

/**
 * Counts each answer by which the service throttles us, also those that a retry makes up for: every try passes here. A batch
 * of which a part was left out counts as one.
 */
export function watchThrottling(client: Watched, service: ThrottledService, count: CountMetric): void {
  const tell = () => count(METRICS.awsThrottled, 1, { outcome: service });
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const result = await next(args);
        if (hasLeftOut(result.output ?? {})) tell();
        return result;
      } catch (error) {
        if (isThrottling(error)) tell();
        throw error;
      }
    },
    // Around the deserializer, which turns an answer into an error; inside the retries.
    { step: 'deserialize', priority: 'high', name: 'grantkeeperThrottleWatch' },
  );
}

function isThrottling(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, $metadata, CancellationReasons: reasons } = error as Refused;
  if (THROTTLED.has(name) || $metadata?.httpStatusCode === 429) return true;
  return Array.isArray(reasons) && reasons.some(({ Code: code }) => THROTTLED_REASONS.has(code ?? ''));
}

interface Refused extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  /** Of a TransactionCanceledException. */
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

/** DynamoDB answers a batch in part when its table is throttled; EventBridge says of each event what is wrong with it. */
function hasLeftOut(output: Answered): boolean {
  const { UnprocessedKeys: unprocessed, Entries: entries } = output;
  if (typeof unprocessed === 'object' && unprocessed !== null && Object.keys(unprocessed).length > 0) return true;
  return Array.isArray(entries) && entries.some((entry?: Entry) => THROTTLED.has(entry?.ErrorCode ?? ''));
}

interface Answered {
  /** Of a BatchGetItem. */
  readonly UnprocessedKeys?: unknown;
  /** Of a PutEvents. */
  readonly Entries?: unknown;
}

interface Entry {
  readonly ErrorCode?: string;
}
