import { type Platform, startPlatform } from '../platform.ts';
import { accountant } from './chapters/accountant.ts';
import { aheadOfExpiry } from './chapters/ahead-of-expiry.ts';
import { connectQuickBooks } from './chapters/connect-quickbooks.ts';
import { crash } from './chapters/crash.ts';
import { handOutTokens } from './chapters/hand-out-tokens.ts';
import { leaving } from './chapters/leaving.ts';
import { revokedByUser } from './chapters/revoked-by-user.ts';
import { secretsKept } from './chapters/secrets-kept.ts';
import { slowProvider } from './chapters/slow-provider.ts';
import { stampede } from './chapters/stampede.ts';
import { storeRefuses } from './chapters/store-refuses.ts';
import { strangers } from './chapters/strangers.ts';
import { createStory, StepFailure, type Story } from './story.ts';
import { summaryOf } from './summary.ts';
import { createWorld, type World } from './world.ts';

/** Far more than the story takes on two slow cores; a demo that hangs must not hang for ever. */
const LIMIT_MS = 300_000;

/** `npm run demo`: runs the platform, tells the story against it, checks each step, and ends with exit code 0 or 1. */
async function main(): Promise<void> {
  const transcript: string[] = [];
  const story = createStory((line) => {
    transcript.push(line);
    console.log(line);
  });
  const startedAt = performance.now();
  console.log('starting: synthesizes the CDK app and runs its cloud assembly on this machine');
  const platform = await startPlatform();
  console.log(`ready after ${seconds(startedAt)} s at ${platform.origin}`);
  const world = createWorld(platform);
  const interruption = new AbortController();
  const stop = stopperOf(platform, world, interruption);
  try {
    const warmMs = await tell(world, story, () => transcript.join('\n'));
    console.log(await summaryOf(world, { warmMs, seconds: seconds(startedAt) }));
    console.log(`demo passed: ${story.steps()} steps`);
  } catch (error) {
    // What fails because the platform is being stopped is no failure of the story.
    if (interruption.signal.aborted) return;
    console.error(`\n   ✗ ${describe(error)}\ndemo failed after ${story.steps()} steps`);
    process.exitCode = 1;
  } finally {
    await stop();
  }
}

async function tell(world: World, story: Story, transcript: () => string): Promise<readonly number[]> {
  await connectQuickBooks(world, story);
  const warmMs = await handOutTokens(world, story);
  await stampede(world, story);
  await aheadOfExpiry(world, story);
  await slowProvider(world, story);
  await revokedByUser(world, story);
  await accountant(world, story);
  await crash(world, story);
  await storeRefuses(world, story);
  await leaving(world, story);
  await strangers(world, story);
  await secretsKept(world, story, transcript);
  return warmMs;
}

/** Stops everything, once; also after Ctrl-C and when the story does not come to its end. */
function stopperOf(platform: Platform, world: World, interruption: AbortController): () => Promise<void> {
  const stop = async () => {
    world.tokens.stop();
    await platform.stop();
  };
  const abort = (reason: string, exitCode: number) => {
    console.error(`\n${reason}`);
    interruption.abort();
    stop().then(
      () => process.exit(exitCode),
      () => process.exit(exitCode),
    );
  };
  process.once('SIGINT', () => abort('interrupted', 130));
  process.once('SIGTERM', () => abort('interrupted', 143));
  const timer = setTimeout(() => abort(`the demo did not end within ${LIMIT_MS / 1000} s`, 1), LIMIT_MS);
  return async () => {
    clearTimeout(timer);
    await stop();
  };
}

function describe(error: unknown): string {
  if (error instanceof StepFailure)
    return `${error.message}\n     expected: ${error.expected}\n     seen:     ${error.seen}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

main().catch((error: unknown) => {
  console.error(`the demo cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
