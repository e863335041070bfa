import { expect, test } from 'vitest';
import { FUNCTIONS } from '../../lib/domain/names.ts';
import type { Assembly } from '../../local/assembly/model.ts';
import { functionArns } from '../../local/function-names.ts';
import { echoFunction } from './lambda/support.ts';

function arnOfGetToken(aliases: Readonly<Record<string, string>>): string {
  const functions = FUNCTIONS.map((name) => echoFunction({ name: `app-${name}`, arn: `arn:${name}`, aliases: {} }));
  const others = functions.filter(({ arn }) => arn !== 'arn:get-token');
  const getToken = echoFunction({ name: 'app-get-token', arn: 'arn:get-token', aliases });
  return functionArns({ functions: [...others, getToken] } as unknown as Assembly)['get-token'];
}

test.for<[Readonly<Record<string, string>>, string]>([
  [{ invoicing: '1', default: '1' }, 'arn:get-token:default'],
  [{ invoicing: '1', reports: '1' }, 'arn:get-token:invoicing'],
  [{}, 'arn:get-token'],
])('get-token with the aliases %j is invoked as %s', ([aliases, arn]) => {
  expect(arnOfGetToken(aliases)).toBe(arn);
});
