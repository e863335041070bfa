import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { consumerOf, createConsumerMap } from '../../../lib/runtime/consumer-map.ts';

const ALL = { organisations: '*', providers: ['quickbooks', 'xero'] } as const;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grantkeeper-consumers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function mapFile(text?: string): URL {
  const path = join(folder, 'consumers.json');
  if (text !== undefined) writeFileSync(path, text);
  return pathToFileURL(path);
}

test('the map is read once', () => {
  const file = mapFile(JSON.stringify({ reports: ALL }));
  const consumers = createConsumerMap(file);
  expect(consumers()).toEqual({ reports: ALL });
  mapFile('changed');
  expect(consumers()).toEqual({ reports: ALL });
});

test.for([
  ['is not there', undefined],
  ['is no JSON', '{'],
  ['is no map', '[]'],
  ['has a numeric alias', JSON.stringify({ 7: ALL })],
  ['has a consumer without providers', '{"reports":{"organisations":"*"}}'],
] as const)('a map that %s is a missing configuration, named without its path', ([, text]) => {
  const consumers = createConsumerMap(mapFile(text));
  const error = (() => {
    try {
      return consumers();
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toEqual(new GrantkeeperError('configuration_missing'));
  expect((error as Error).cause).toEqual({ variables: ['consumers.json'] });
});

test('the consumer of a named alias', () => {
  expect(consumerOf({ reports: ALL }, 'reports')).toEqual(ALL);
});

test.for([undefined, '$LATEST', '7', 'other', 'constructor', '__proto__'])(
  'an invocation by %s is refused',
  (alias) => {
    expect(() => consumerOf({ reports: ALL }, alias)).toThrow(new GrantkeeperError('consumer_refused'));
  },
);
