/**
 * `npm run test:deploy`: the synthesized templates, deployed by `cdk deploy --all` as they are to an emulator of AWS that is
 * not ours, and used through its API Gateway and Lambda; its own schedule refreshes and its own alarm goes off. Needs
 * Python 3.10 with venv and pip; the emulator is installed into .cache on first use. Takes some four minutes, eight at most.
 * The last line is `N passed, N failed`.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Checks } from '../deploy/checks.ts';
import { connectAll } from '../deploy/connecting.ts';
import { deploy } from '../deploy/deployment.ts';
import { disconnect, failRefreshes } from '../deploy/failing.ts';
import { keepSecrets, linesOfAll } from '../deploy/function-logs.ts';
import { LIMITS } from '../deploy/limits.ts';
import { MINISTACK, NoMinistack, provideMinistack } from '../deploy/ministack.ts';
import { askWhatIsWrong, pauseAndResume } from '../deploy/operating.ts';
import { deployAgain, remove, upgrade } from '../deploy/redeploying.ts';
import { refreshBySchedule, serveFirst } from '../deploy/refreshing.ts';
import { openStage, type Stage } from '../deploy/stage.ts';
import { ROOT } from './child.ts';

const LONGEST_MS = 480_000;

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof NoMinistack)) throw error;
  console.error(`npm run test:deploy: ${error.message}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}

async function run(): Promise<number> {
  // A signal ends this process without an exit event, at which the emulator is ended.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const python = provideMinistack();
  const checks = new Checks();
  const hardStop = setTimeout(() => giveUp(checks), LONGEST_MS);
  console.log(`# ${MINISTACK}, env=local, us-east-1; providers are the simulators`);
  await checks.run(async () => {
    await using stage = await openStage(python);
    let told: readonly string[] | undefined;
    await using _ = { [Symbol.asyncDispose]: () => keepLog(stage, told) };
    const deployed = await deploy(checks, stage);
    const { api, tokens } = await connectAll(checks, stage, deployed);
    const before = await serveFirst(checks, stage, tokens);
    await deployAgain(checks, stage);
    await refreshBySchedule(checks, stage, { tokens, before });
    await upgrade(checks, stage, deployed, tokens);
    await failRefreshes(checks, stage, () => askWhatIsWrong(checks, stage));
    await pauseAndResume(checks, stage);
    await disconnect(checks, stage, api);
    told = await keepSecrets(checks, stage, deployed);
    await remove(checks, stage);
    tokens.stop();
  });
  clearTimeout(hardStop);
  console.log(`\nWhat ${MINISTACK} cannot prove:`);
  for (const limit of LIMITS) console.log(`- ${limit}`);
  const { passed, failed } = checks.total;
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** What the emulator and the functions wrote, for whoever wants to look. `told` was read before the log groups went with the stacks. */
async function keepLog({ emulator }: Stage, told?: readonly string[]): Promise<void> {
  const kept = path.join('.cache', 'ministack', 'last-run.log');
  const lines = [...emulator.lines(), ...(told ?? (await linesOfAll(emulator)))];
  writeFileSync(path.join(ROOT, kept), `${lines.join('\n')}\n`);
  console.log(`  what the emulator and the functions wrote is in ${kept}`);
}

function giveUp({ total }: Checks): void {
  console.log(`✗ the run took longer than ${LONGEST_MS / 60_000} minutes`);
  console.log(`${total.passed} passed, ${total.failed + 1} failed`);
  process.exit(1);
}
