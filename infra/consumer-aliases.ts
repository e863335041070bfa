import { CfnOutput } from 'aws-cdk-lib';
import { ArnPrincipal, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Alias, type IVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import type { Config } from './config.ts';
import type { ServiceFunction } from './service-function.ts';

export interface ConsumerAliasesProps {
  readonly getToken: ServiceFunction;
  readonly config: Pick<Config, 'environment' | 'consumers'>;
}

/** What each consumer may ask for, as it ships beside the handler; who may be that consumer is IAM's to say. */
export function consumerMap(consumers: Config['consumers']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(consumers).map(([name, { organisations, providers }]) => [name, { organisations, providers }]),
  );
}

/**
 * One alias of get-token per consumer (design §9) and the right to invoke it, and nothing else of get-token: a managed
 * policy for roles of this account, to be attached by their owner, and for the principals the configuration names a
 * permission on the alias itself. The ARNs of alias and policy are outputs.
 */
export class ConsumerAliases extends Construct {
  constructor(scope: Construct, id: string, { getToken, config }: ConsumerAliasesProps) {
    super(scope, id);
    for (const [consumer, { principals = [] }] of Object.entries(config.consumers)) {
      // The ids of what else it has contain a colon, so that no consumer can be called like them.
      const alias = new Alias(this, consumer, {
        aliasName: consumer,
        // CDK's own types contradict each other under exactOptionalPropertyTypes.
        version: getToken.lambda.currentVersion as IVersion,
      });
      const policy = this.#policyFor(alias, config.environment);
      for (const [index, arn] of principals.entries()) {
        alias.addPermission(`Principal${index}`, { principal: new ArnPrincipal(arn) });
      }
      new CfnOutput(this, `${consumer}:arn`, { value: alias.functionArn, description: `get-token for ${consumer}` });
      new CfnOutput(this, `${consumer}:policy-arn`, {
        value: policy.managedPolicyArn,
        description: `To be attached to the role of ${consumer}`,
      });
    }
  }

  #policyFor(alias: Alias, environment: string): ManagedPolicy {
    const invoke = new PolicyStatement({
      sid: 'AskForTokens',
      actions: ['lambda:InvokeFunction'],
      resources: [alias.functionArn],
    });
    return new ManagedPolicy(this, `${alias.aliasName}:policy`, {
      managedPolicyName: `${APP}-${environment}-get-token-${alias.aliasName}`,
      description: `Lets its holder ask get-token as ${alias.aliasName}`,
      statements: [invoke],
    });
  }
}
