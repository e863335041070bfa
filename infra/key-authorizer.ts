import { Duration } from 'aws-cdk-lib';
import { IdentitySource, RequestAuthorizer } from 'aws-cdk-lib/aws-apigateway';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { ServiceFunction } from './service-function.ts';

/** How long a verdict on a key is remembered: the longest that a revoked key is still let in by the gateway. */
const VERDICT_TTL = Duration.seconds(60);

/** Judges `X-API-Key`; a request without the header is refused before any function runs. */
export class KeyAuthorizer extends Construct {
  readonly request: RequestAuthorizer;

  constructor(scope: Construct, id: string, { authorizer }: { readonly authorizer: ServiceFunction }) {
    super(scope, id);
    this.request = new RequestAuthorizer(this, 'Request', {
      // Named here again, so that the permission which refers to the API is in the API's stack and not in the function's:
      // there it would make the two stacks need each other.
      handler: LambdaFunction.fromFunctionAttributes(this, 'Function', {
        functionArn: authorizer.lambda.functionArn,
        sameEnvironment: true,
      }),
      identitySources: [IdentitySource.header('X-API-Key')],
      resultsCacheTtl: VERDICT_TTL,
    });
  }
}
