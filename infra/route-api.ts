import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { APP, type FunctionName } from '../lib/domain/names.ts';
import { ROUTES, type Route, STAGE } from '../lib/domain/routes.ts';
import { acknowledge } from './acknowledge.ts';
import type { Config } from './config.ts';
import { addGatewayResponses } from './gateway-responses.ts';
import type { KeyAuthorizer } from './key-authorizer.ts';
import type { ServiceFunction } from './service-function.ts';

export interface RouteApiProps {
  readonly config: Config;
  readonly functions: Readonly<Record<FunctionName, ServiceFunction>>;
  readonly authorizer: KeyAuthorizer;
}

/** One line per request. The path but never the query string: at the callback that holds code and state. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  method: '$context.httpMethod',
  route: '$context.resourcePath',
  path: '$context.path',
  status: '$context.status',
  sourceIp: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
  key: '$context.authorizer.principalId',
  latencyMs: '$context.responseLatency',
  integrationMs: '$context.integrationLatency',
  responseBytes: '$context.responseLength',
  refusal: '$context.error.responseType',
};

/** Of a method without a throttle of its own; every route has one. */
const DEFAULT_THROTTLE = { throttlingRateLimit: 100, throttlingBurstLimit: 200 };

/** The REST API: a method per row of the route table, with its authorizer and throttle. */
export class RouteApi extends Construct {
  readonly rest: RestApi;
  /** What stands before `/v1`. */
  readonly url: string;

  constructor(scope: Construct, id: string, { config, functions, authorizer }: RouteApiProps) {
    super(scope, id);
    const routes: readonly Route[] = Object.values(ROUTES);
    this.rest = new RestApi(this, 'Rest', {
      restApiName: `${APP}-${config.environment}`,
      endpointTypes: [EndpointType.REGIONAL],
      // One way in: what a provider was told as redirect URL, and the firewall and name in front of it.
      disableExecuteApiEndpoint: config.domain !== undefined,
      // Access logs need a role in API Gateway's settings of account and region; it stays, as others may use it too.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      deployOptions: {
        stageName: STAGE,
        ...DEFAULT_THROTTLE,
        methodOptions: Object.fromEntries(routes.map((route) => [`${route.path}/${route.method}`, throttleOf(route)])),
        accessLogDestination: new LogGroupLogDestination(this.#accessLogs(config)),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
        // Execution logs would write query strings and headers.
        loggingLevel: MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
      },
    });
    addGatewayResponses(this.rest);
    for (const route of routes) addMethod(this.rest, route, { handler: functions[route.function], authorizer });
    acknowledge(this.rest, MEANT);
    acknowledge(this.rest.deploymentStage, MEANT_AT_STAGE);
    this.url = this.rest.url.replace(/\/$/, '');
  }

  #accessLogs(config: Config): LogGroup {
    return new LogGroup(this, 'AccessLogs', {
      logGroupName: `/${APP}/${config.environment}/access`,
      retention: config.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

function throttleOf({ throttle }: Route) {
  return { throttlingRateLimit: throttle.ratePerSecond, throttlingBurstLimit: throttle.burst };
}

function addMethod(
  api: RestApi,
  route: Route,
  { handler, authorizer }: { readonly handler: ServiceFunction; readonly authorizer: KeyAuthorizer },
): void {
  const resource = api.root.resourceForPath(route.path);
  const integration = new LambdaIntegration(handler.lambda, { allowTestInvoke: false });
  if (route.auth.kind === 'key') {
    const authorized = { authorizationType: AuthorizationType.CUSTOM, authorizer: authorizer.request };
    acknowledge(resource.addMethod(route.method, integration, authorized), { 'AwsSolutions-COG4': KEY_REASON });
    return;
  }
  const open = resource.addMethod(route.method, integration, { authorizationType: AuthorizationType.NONE });
  acknowledge(open, { 'AwsSolutions-APIG4': BROWSER_REASON, 'AwsSolutions-COG4': BROWSER_REASON });
}

const KEY_REASON =
  'The caller is a server with one of our API keys, which our authorizer judges; there is no user pool.';
const BROWSER_REASON = 'A user’s browser has no key; the function checks session, signed state and cookie.';

const MEANT = {
  'AwsSolutions-APIG2': 'Functions parse their input and name the field that is wrong, which a gateway model cannot.',
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
    'API Gateway’s logging role is one per account and region, with the policy AWS wrote for it.',
};

const MEANT_AT_STAGE = {
  'AwsSolutions-APIG6': 'Execution logs would hold query strings, and with them codes and states; access logs are on.',
  'Serverless-APIGWXrayEnabled':
    'A trace would keep the callback’s URL; a correlation id goes through every log line instead.',
};
