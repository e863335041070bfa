import { Stack } from 'aws-cdk-lib';
import type { Stage } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import { ROUTES, type Route, STAGE } from '../lib/domain/routes.ts';
import type { Config } from './config.ts';

export interface WebFirewallProps {
  readonly config: Pick<Config, 'environment' | 'firewallRequestsPer5Minutes' | 'firewallConnectRequestsPer5Minutes'>;
  readonly stage: Stage;
}

/** How long requests are counted back. */
const WINDOW_SECONDS = 300;

/** The dimension `WebACL` of the firewall's metrics in AWS/WAFV2. */
export function firewallMetricName(environment: string): string {
  return `${APP}-${environment}`;
}

/**
 * Refuses an address that asks too much, before a function or the authorizer runs: one limit for everything and a
 * tighter one for the paths that need no key. What it answers is the gateway's response WAF_FILTERED
 * (`gateway-responses.ts`), which unlike a response of the firewall's own can name the correlation id. A limit is not
 * exact: AWS WAF counts with a delay of some seconds.
 *
 * Sampled requests stay off and there is no firewall log: both would show whole query strings, at the callback with code
 * and state in them. Blocks are in the metrics, and each with its address in the access log, as `refusal: WAF_FILTERED`.
 */
export class WebFirewall extends Construct {
  constructor(scope: Construct, id: string, { config, stage }: WebFirewallProps) {
    super(scope, id);
    const name = firewallMetricName(config.environment);
    const acl = new CfnWebACL(this, 'Acl', {
      name,
      description: `Grantkeeper ${config.environment}: limits per address`,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility(name),
      rules: [
        limitPerAddress('connect', 0, {
          limit: config.firewallConnectRequestsPer5Minutes,
          scopeDownStatement: onPathsWithoutKey(),
        }),
        limitPerAddress('every-path', 1, { limit: config.firewallRequestsPer5Minutes }),
      ],
    });
    new CfnWebACLAssociation(this, 'OfStage', { webAclArn: acl.attrArn, resourceArn: arnOf(stage) });
  }
}

/** `name` is also what its metric is called: AWS WAF keeps `All` and `Default_Action` for itself. */
function limitPerAddress(
  name: string,
  priority: number,
  counted: Pick<CfnWebACL.RateBasedStatementProperty, 'limit' | 'scopeDownStatement'>,
): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    action: { block: {} },
    statement: { rateBasedStatement: { aggregateKeyType: 'IP', evaluationWindowSec: WINDOW_SECONDS, ...counted } },
    visibilityConfig: visibility(name),
  };
}

function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}

/** Paths as they are routed, however they were written: with escapes, doubled slashes or dots. */
function onPathsWithoutKey(): CfnWebACL.StatementProperty {
  return {
    regexMatchStatement: {
      regexString: pathsWithoutKey(),
      fieldToMatch: { uriPath: {} },
      textTransformations: [
        { priority: 0, type: 'URL_DECODE' },
        { priority: 1, type: 'NORMALIZE_PATH' },
      ],
    },
  };
}

/** A pattern of how the routes begin that a browser comes to, below the stage or the domain's base path of the same name. */
function pathsWithoutKey(): string {
  const routes: readonly Route[] = Object.values(ROUTES);
  const paths = routes.filter(({ auth }) => auth.kind === 'browser').map(({ path }) => path);
  const patterns = [...new Set(paths)].map((path) => path.replace(/\{\w+\}/g, '[^/]+'));
  return `^/${STAGE}(${patterns.join('|')})`;
}

/** Without the account, as AWS::WAFv2::WebACLAssociation wants it. */
function arnOf(stage: Stage): string {
  const { partition, region } = Stack.of(stage);
  return `arn:${partition}:apigateway:${region}::/restapis/${stage.restApi.restApiId}/stages/${stage.stageName}`;
}
