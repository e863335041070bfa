import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { FunctionName } from '../lib/domain/names.ts';
import { ApiDomain } from './api-domain.ts';
import type { Config } from './config.ts';
import { KeyAuthorizer } from './key-authorizer.ts';
import { RouteApi } from './route-api.ts';
import type { ServiceFunction } from './service-function.ts';
import { WebFirewall } from './web-firewall.ts';

export interface EdgeStackProps extends StackProps {
  readonly config: Config;
  readonly functions: Readonly<Record<FunctionName, ServiceFunction>>;
}

/** The HTTP API in front of the functions, behind its firewall and, where it has one, its own name. No function knows of it, so this stack can be replaced alone. */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, { config, functions, ...props }: EdgeStackProps) {
    super(scope, id, props);
    const authorizer = new KeyAuthorizer(this, 'Authorizer', { authorizer: functions.authorizer });
    const api = new RouteApi(this, 'Api', { config, functions, authorizer });
    new WebFirewall(this, 'Firewall', { config, stage: api.rest.deploymentStage });
    if (config.domain !== undefined) new ApiDomain(this, 'Domain', { api: api.rest, domain: config.domain });
    new CfnOutput(this, 'ApiUrl', { value: config.publicUrl ?? api.url, description: 'What stands before /v1' });
  }
}
