import assert from 'node:assert/strict';
import { APP, FUNCTIONS } from '../../lib/domain/names.ts';
import { findLeaks } from '../../local/demo/leak-scan.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import { REGION } from './cdk.ts';
import type { Checks } from './checks.ts';
import type { Deployed } from './deployment.ts';
import type { Emulator } from './emulator.ts';
import type { Stage } from './stage.ts';

interface LogEvents {
  readonly events?: readonly { readonly timestamp: number; readonly message: string }[];
}

/** Whatever the providers issued, and the API key, stand in no function’s log; gives all its lines. */
export async function keepSecrets(checks: Checks, stage: Stage, { apiKey }: Deployed): Promise<readonly string[]> {
  return await checks.that('no token, code, secret or key is in any log group', async () => {
    const lines = await linesOfAll(stage.emulator);
    assert.ok(lines.length > 100, `there are only ${lines.length} lines`);
    const issued = await Promise.all(Object.values(stage.providers).map((desk) => desk.issued()));
    const leaks = findLeaks([{ name: 'the logs', text: lines.join('\n') }], [...issued.flat(), apiKey]);
    assert.deepEqual(leaks, []);
    return lines;
  });
}

/** The lines a function wrote into its log group, oldest first; none where there is no such group. */
export async function linesOf({ endpoint }: Emulator, name: string): Promise<string[]> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.FilterLogEvents',
      // The emulator reads the service and the account out of it and checks no signature.
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/logs/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify({ logGroupName: `/aws/lambda/${APP}-${LOCAL_ENVIRONMENT}-${name}`, limit: 10_000 }),
  });
  const { events = [] } = (await answer.json()) as LogEvents;
  return events.flatMap(({ message }) => message.split('\n')).filter((line) => line !== '');
}

/** The lines of all functions, each with its function's name before it. */
export async function linesOfAll(emulator: Emulator): Promise<string[]> {
  const found = await Promise.all(
    FUNCTIONS.map(async (name) => (await linesOf(emulator, name)).map((line) => `${name}: ${line}`)),
  );
  return found.flat();
}
