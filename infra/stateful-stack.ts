import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { GrantkeeperSecrets } from './grantkeeper-secrets.ts';
import { TableKey } from './table-key.ts';
import { Tables } from './tables.ts';
import { TokenKey } from './token-key.ts';

export interface StatefulStackProps extends StackProps {
  readonly config: Config;
}

/** What must survive every deployment: the keys, the tables, the secrets. */
export class StatefulStack extends Stack {
  readonly tokenKey: TokenKey;
  readonly tables: Tables;
  readonly secrets: GrantkeeperSecrets;

  constructor(scope: Construct, id: string, { config, ...props }: StatefulStackProps) {
    super(scope, id, props);
    this.tokenKey = new TokenKey(this, 'TokenKey', { environment: config.environment });
    const tableKey = new TableKey(this, 'TableKey', { environment: config.environment });
    this.tables = new Tables(this, 'Tables', { key: tableKey.key });
    this.secrets = new GrantkeeperSecrets(this, 'Secrets', config);
    const { tableName } = this.tables.byName.apiKeys;
    new CfnOutput(this, 'ApiKeysTable', { value: tableName, description: 'GK_TABLE_API_KEYS of npm run ops' });
  }
}
