import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../../lib/domain/names.ts';

const PROJECT_DIR = fileURLToPath(new URL('../../..', import.meta.url));
const CLIENT = /@aws-sdk\/client-([a-z-]+)\//;
const clients = new Map<string, readonly string[]>();

/** As infra/bundle.ts does; which clients have left a byte in which function. */
beforeAll(async () => {
  const { metafile } = await build({
    absWorkingDir: PROJECT_DIR,
    entryPoints: Object.fromEntries(FUNCTIONS.map((name) => [name, `functions/${name}.ts`])),
    outdir: 'unwritten',
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'silent',
  });
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    const kept = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const found = kept.flatMap(([input]) => CLIENT.exec(input)?.[1] ?? []);
    clients.set(path.replace(/^.*\/|\.js$/g, ''), [...new Set(found)].sort());
  }
}, 60_000);

test.for<[FunctionName, readonly string[]]>([
  ['authorizer', ['dynamodb']],
  ['create-connect-session', ['dynamodb']],
  ['connect-session-status', ['dynamodb']],
  ['connect', ['dynamodb', 'secrets-manager']],
  ['callback', ['dynamodb', 'lambda', 'secrets-manager']],
  ['choose', ['dynamodb', 'lambda']],
  ['finish-connect', ['dynamodb', 'eventbridge', 'kms', 'secrets-manager', 'sqs']],
  ['status', ['dynamodb']],
  ['disconnect', ['dynamodb', 'eventbridge', 'lambda']],
  ['get-token', ['dynamodb', 'kms', 'lambda']],
  ['refresh-grant', ['dynamodb', 'eventbridge', 'kms', 'secrets-manager', 'sqs']],
  ['refresh-due', ['cloudwatch', 'dynamodb', 'eventbridge', 'kms', 'lambda', 'secrets-manager', 'sqs']],
  ['rescue', ['dynamodb', 'eventbridge']],
])('%s starts with the clients of %j and no other', ([name, expected]) => {
  expect(clients.get(name)).toEqual(expected);
});
