import assert from 'node:assert/strict';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { APP } from '../../lib/domain/names.ts';
import type { TokenClient } from '../../local/demo/token-client.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import { deployAll, destroyAll } from './cdk.ts';
import type { Checks } from './checks.ts';
import { CONNECTIONS, opensCompany } from './connecting.ts';
import { contextOf, type Deployed, STACKS } from './deployment.ts';
import type { Stage } from './stage.ts';

/** The same again: nothing is to be done. */
export async function deployAgain(checks: Checks, stage: Stage): Promise<void> {
  await checks.that('the same deployment again changes nothing', async () => {
    const { told } = await deployAll(stage.deployer, contextOf(stage));
    const unchanged = [...told.matchAll(/✅\s+(\w+) \(\S+\) \(no changes\)/g)].map(([, stack]) => stack);
    assert.deepEqual(unchanged.toSorted(), [...STACKS].toSorted());
  });
}

/** A setting that most functions read is another: what is stored stays where it is, and the aliases serve on. */
export async function upgrade(checks: Checks, stage: Stage, deployed: Deployed, tokens: TokenClient): Promise<void> {
  await checks.that('a deployment with another setting keeps tables, aliases and connections', async () => {
    const { outputs, told } = await deployAll(stage.deployer, { ...contextOf(stage), refreshAheadSeconds: '1740' });
    assert.match(told, /UPDATE_COMPLETE\s+\| AWS::Lambda::Function/);
    assert.deepEqual(outputs, deployed.outputs);
    for (const connection of Object.values(CONNECTIONS)) await opensCompany(stage, tokens, connection);
  });
}

/** The README's removal: the stacks go, and what holds customers' connections stays. */
export async function remove(checks: Checks, stage: Stage): Promise<void> {
  const { aws, deployer } = stage;
  const KeyId = `alias/${APP}/${LOCAL_ENVIRONMENT}/tokens`;
  const key = await aws.kms.send(new DescribeKeyCommand({ KeyId }));
  await checks.that('cdk destroy --all removes the four stacks', async () => {
    await destroyAll(deployer, contextOf(stage));
    const { Stacks = [] } = await aws.cloudFormation.send(new DescribeStacksCommand({}));
    const left = Stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE').map(
      ({ StackName }) => StackName,
    );
    assert.deepEqual(left.toSorted(), ['CDKToolkit', 'company-inbox', 'company-pager']);
  });
  await checks.that('all tables but that of the flows, and the token key, are still there', async () => {
    const { TableNames = [] } = await aws.dynamoDb.send(new ListTablesCommand({}));
    const kept = TableNames.map((name) => /-Tables([a-zA-Z]+?)[0-9A-F]{8}-/.exec(name)?.[1]);
    assert.deepEqual(kept.toSorted(), ['apiKeys', 'audit', 'connections', 'grants']);
    const { KeyMetadata } = await aws.kms.send(new DescribeKeyCommand({ KeyId: key.KeyMetadata?.KeyId }));
    assert.equal(KeyMetadata?.KeyState, 'Enabled');
  });
}
