import { readFileSync } from 'node:fs';
import { type Consumer, type ConsumerMap, readConsumerMap } from '../domain/consumer.ts';
import { GrantkeeperError } from '../domain/errors.ts';

/**
 * The consumer of the alias an invocation came by. Throws `consumer_refused` for an unqualified invocation, a version,
 * `$LATEST` and an alias the map does not name: nothing is allowed by default.
 */
export function consumerOf(map: ConsumerMap, alias: string | undefined): Consumer {
  const consumer = alias !== undefined && Object.hasOwn(map, alias) ? map[alias] : undefined;
  if (consumer === undefined) throw new GrantkeeperError('consumer_refused');
  return consumer;
}

/**
 * Reads the map when first asked and keeps it: it changes only with a deployment, which is a new sandbox. Throws
 * `configuration_missing` when the file is not there or does not say what a map must.
 */
export function createConsumerMap(file: URL): () => ConsumerMap {
  let map: ConsumerMap | undefined;
  return () => {
    map ??= readMap(file);
    return map;
  };
}

function readMap(file: URL): ConsumerMap {
  const read = readConsumerMap(parse(file));
  if ('map' in read) return read.map;
  throw notConfigured(file);
}

function parse(file: URL): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw notConfigured(file);
  }
}

function notConfigured(file: URL): GrantkeeperError {
  return new GrantkeeperError('configuration_missing', {
    cause: { variables: [file.pathname.split('/').at(-1) ?? ''] },
  });
}
