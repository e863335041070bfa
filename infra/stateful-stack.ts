import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { TABLE_VARIABLES } from '../lib/domain/names.ts';
import type { Config } from './config.ts';
import { GrantkeeperSecrets } from './grantkeeper-secrets.ts';
import { RescueQueue } from './rescue-queue.ts';
import { TableKey } from './table-key.ts';
import { Tables } from './tables.ts';
import { TokenKey } from './token-key.ts';

/** The tables the operators' command line works on. */
const OPERATED = {
  ApiKeysTable: 'apiKeys',
  GrantsTable: 'grants',
  ConnectionsTable: 'connections',
  AuditTable: 'audit',
  FlowsTable: 'flows',
} as const;

export interface StatefulStackProps extends StackProps {
  readonly config: Config;
}

/** What must survive every deployment: the keys, the tables, the secrets, the queue for tokens that no table took. */
export class StatefulStack extends Stack {
  readonly tokenKey: TokenKey;
  readonly tableKey: TableKey;
  readonly tables: Tables;
  readonly secrets: GrantkeeperSecrets;
  readonly rescueQueue: RescueQueue;

  constructor(scope: Construct, id: string, { config, ...props }: StatefulStackProps) {
    super(scope, id, props);
    this.tokenKey = new TokenKey(this, 'TokenKey', { environment: config.environment });
    this.tableKey = new TableKey(this, 'TableKey', { environment: config.environment });
    this.tables = new Tables(this, 'Tables', { key: this.tableKey.key });
    this.secrets = new GrantkeeperSecrets(this, 'Secrets', config);
    this.rescueQueue = new RescueQueue(this, 'Rescue', config);
    for (const [id, table] of Object.entries(OPERATED)) {
      const value = this.tables.byName[table].tableName;
      new CfnOutput(this, id, { value, description: `${TABLE_VARIABLES[table]} of npm run ops` });
    }
    const { queue, deadLetter } = this.rescueQueue;
    new CfnOutput(this, 'RescueQueueUrl', { value: queue.queueUrl, description: 'Tokens that wait for their table' });
    new CfnOutput(this, 'RescueDeadLetterUrl', {
      value: deadLetter.queueUrl,
      description: 'Tokens that could not be stored for a day',
    });
  }
}
