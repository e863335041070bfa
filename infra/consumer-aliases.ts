import { CfnOutput } from 'aws-cdk-lib';
import { Alias, type IVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config } from './config.ts';
import type { ServiceFunction } from './service-function.ts';

export interface ConsumerAliasesProps {
  readonly getToken: ServiceFunction;
  readonly consumers: Config['consumers'];
}

/**
 * One alias of get-token per consumer (design §9), with its ARN as an output: to be let in, a consumer's role is
 * allowed lambda:InvokeFunction on that alias and nothing else. What each may ask for ships beside the handler.
 */
export class ConsumerAliases extends Construct {
  constructor(scope: Construct, id: string, { getToken, consumers }: ConsumerAliasesProps) {
    super(scope, id);
    for (const consumer of Object.keys(consumers)) {
      const alias = new Alias(this, consumer, {
        aliasName: consumer,
        // CDK's own types contradict each other under exactOptionalPropertyTypes.
        version: getToken.lambda.currentVersion as IVersion,
      });
      new CfnOutput(this, `${consumer}-arn`, { value: alias.functionArn, description: `get-token for ${consumer}` });
    }
  }
}
