import assert from 'node:assert/strict';
import { APP, FUNCTIONS } from '../../lib/domain/names.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import { runNode } from './cdk.ts';
import type { Checks } from './checks.ts';
import { CONNECTIONS } from './connecting.ts';
import type { Stage } from './stage.ts';

/** Runs an operators' command as an operator would: it finds what is deployed by the outputs of the stacks. */
async function runOps({ deployer }: Stage, command: readonly string[]): Promise<string> {
  return await runNode(['ops/main.ts', ...command, '--env', LOCAL_ENVIRONMENT], deployer.shell);
}

/** What an engineer asks who was paged: the alarm, the provider and the connection are told as they are. */
export async function askWhatIsWrong(checks: Checks, stage: Stage): Promise<void> {
  await checks.that('npm run ops -- status names the alarm and the provider that is left alone', async () => {
    const told = await runOps(stage, ['status']);
    for (const word of ['key-unusable', 'quickbooks'])
      assert.ok(told.includes(word), `it does not say ${word}:\n${told}`);
  });
  await checks.that('npm run ops -- explain says what happened to acme', async () => {
    const { organizationId, provider } = CONNECTIONS.acme;
    const told = await runOps(stage, ['explain', organizationId, provider]);
    assert.match(told, /refresh/, told);
  });
}

/** Pausing and resuming, as ministack's Lambda keeps it. */
export async function pauseAndResume(checks: Checks, stage: Stage): Promise<void> {
  await checks.that('npm run ops -- pause and resume set the reserved concurrency of the refreshers', async () => {
    await runOps(stage, ['pause', '--yes']);
    assert.deepEqual(await reservations(stage), {
      'finish-connect': 0,
      'refresh-due': 0,
      'refresh-grant': 0,
      rescue: 0,
    });
    await runOps(stage, ['resume']);
    assert.deepEqual(await reservations(stage), { 'refresh-due': 8 });
  });
}

async function reservations({ emulator }: Stage): Promise<Record<string, number>> {
  const asked = FUNCTIONS.map(async (name) => {
    const url = `${emulator.endpoint}/2019-09-30/functions/${APP}-${LOCAL_ENVIRONMENT}-${name}/concurrency`;
    const answer = (await (await fetch(url)).json()) as { readonly ReservedConcurrentExecutions?: number };
    return [name, answer.ReservedConcurrentExecutions] as const;
  });
  const known = (await Promise.all(asked)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return Object.fromEntries(known) as Record<string, number>;
}
