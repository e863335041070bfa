import { functionNamed } from '../../function-names.ts';
import type { Platform } from '../../platform.ts';
import type { Story } from '../story.ts';
import { REALMS, type World } from '../world.ts';

const QUESTION = { organizationId: 'acme', provider: 'quickbooks' } as const;

/** The provider has issued new tokens, and the table does not take them. */
export async function storeRefuses({ platform, tokens, providers }: World, story: Story): Promise<void> {
  story.chapter('DynamoDB does not take the new tokens');
  const before = await tokens.need(QUESTION);
  const refreshesBefore = (await providers.quickbooks.refreshes(REALMS.acme)).length;
  const queued: string[] = [];
  platform.aws.sqs.onMessage((queueName) => queued.push(queueName));
  refuseCommits(platform);
  platform.clock.advance(3_601);

  const reader = tokens.get(QUESTION);
  await story.eventually('after two seconds they are on the rescue queue, sealed as they are', async () => queued, {
    until: ([first]) => first === 'grantkeeper-local-rescue',
    expected: 'a message on grantkeeper-local-rescue',
  });
  await story.eventually('rescue stores them, without being able to open them', async () => rescueEnds(platform), {
    until: (ends) => ends.length > 0,
    expected: 'a log line of rescue',
  });
  story.equal('as what they are', rescueEnds(platform), ['commit']);
  const other = await tokens.need(QUESTION);
  story.equal(
    'whoever asks now gets them, while the refresher still tries',
    other.tokenVersion,
    before.tokenVersion + 1,
  );
  platform.aws.dynamoDb.clearFaults();
  const served = await reader;
  story.equal(
    'DynamoDB is well again: who waited gets the same',
    served.status === 'ok' ? served.accessToken.open() === other.accessToken.open() : served.code,
    true,
  );
  const refreshes = (await providers.quickbooks.refreshes(REALMS.acme)).slice(refreshesBefore);
  story.equal('QuickBooks saw one refresh', refreshes.length, 1);
  const left = await platform.aws.sqs.countsOf('grantkeeper-local-rescue');
  story.equal('and the queue is empty', left, { waiting: 0, taken: 0, delayed: 0 });
}

/** Every write by which a refresher would store tokens fails; its lease and its reads go through. */
function refuseCommits({ aws, assembly }: Platform): void {
  for (const name of ['refresh-grant', 'refresh-due'] as const) {
    aws.dynamoDb.failNext({
      operation: 'TransactWriteItems',
      code: 'InternalServerError',
      times: Number.POSITIVE_INFINITY,
      principal: functionNamed(assembly, name).name,
      matches: (input) => JSON.stringify(input).includes('attempt.ok'),
    });
  }
}

/** What rescue said of each message. */
function rescueEnds(platform: Platform): readonly unknown[] {
  return platform
    .logs()
    .filter(({ function: name, line }) => name === 'rescue' && line.includes('"invocation"'))
    .map(({ line }) => (JSON.parse(line) as { readonly outcome?: string }).outcome);
}
