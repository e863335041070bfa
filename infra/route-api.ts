import { RemovalPolicy, Validations } from 'aws-cdk-lib';
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

/** The REST API: a method per row of the route table, with its authorizer and throttle. */
export class RouteApi extends Construct {
  /** What stands before `/v1`. */
  readonly url: string;

  constructor(scope: Construct, id: string, { config, functions, authorizer }: RouteApiProps) {
    super(scope, id);
    const routes: readonly Route[] = Object.values(ROUTES);
    const api = new RestApi(this, 'Rest', {
      restApiName: `${APP}-${config.environment}`,
      endpointTypes: [EndpointType.REGIONAL],
      // Access logs need a role in API Gateway's settings of account and region; it stays, as others may use it too.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      deployOptions: {
        stageName: STAGE,
        methodOptions: Object.fromEntries(routes.map((route) => [`${route.path}/${route.method}`, throttleOf(route)])),
        accessLogDestination: new LogGroupLogDestination(this.#accessLogs(config)),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
        // Execution logs would write query strings and headers.
        loggingLevel: MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
      },
    });
    addGatewayResponses(api);
    for (const route of routes) addMethod(api, route, { handler: functions[route.function], authorizer });
    acknowledge(api);
    this.url = api.url.replace(/\/$/, '');
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
  { path, method, auth }: Route,
  { handler, authorizer }: { readonly handler: ServiceFunction; readonly authorizer: KeyAuthorizer },
): void {
  const resource = api.root.resourceForPath(path);
  const integration = new LambdaIntegration(handler.lambda, { allowTestInvoke: false });
  if (auth.kind === 'key') {
    const authorized = { authorizationType: AuthorizationType.CUSTOM, authorizer: authorizer.request };
    resource.addMethod(method, integration, authorized);
    return;
  }
  const open = resource.addMethod(method, integration, { authorizationType: AuthorizationType.NONE });
  Validations.of(open).acknowledge({
    id: 'AwsSolutions::AwsSolutions-APIG4',
    reason: 'A user’s browser has no key; the function checks session, signed state and cookie.',
  });
}

/** What cdk-nag finds and we mean. */
const ACKNOWLEDGED = {
  'AwsSolutions-APIG2': 'Functions parse their input and name the field that is wrong, which a gateway model cannot.',
  'AwsSolutions-APIG3': 'Each route is throttled; there is no firewall in front yet.',
  'AwsSolutions-APIG6': 'Execution logs would hold query strings, and with them codes and states; access logs are on.',
  'AwsSolutions-COG4': 'Callers are servers with API keys; the authorizer is a function of ours.',
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
    'API Gateway’s logging role is one per account and region, with the policy AWS wrote for it.',
};

function acknowledge(api: RestApi): void {
  for (const [rule, reason] of Object.entries(ACKNOWLEDGED)) {
    Validations.of(api).acknowledge({ id: `AwsSolutions::${rule}`, reason });
  }
}
