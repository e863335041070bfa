import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, type FunctionName, METRICS, type ThrottledService } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import type { Config } from './config.ts';
import { eventsDeadLetterName } from './lifecycle-events.ts';
import { FIVE_MINUTES, functionMetric, ownMetrics, queueMetric, total } from './metrics.ts';

type Watched = Pick<Config, 'environment' | 'eventTargets'>;

/** Alarms on the services we stand on, before they become somebody's page. */
export function platformAlarms(config: Watched): readonly AlarmSpec[] {
  const { environment } = config;
  return [
    throttledLambda(environment),
    throttledService(environment, 'dynamodb'),
    throttledService(environment, 'kms'),
    secretErrors(environment),
    eventsDropped(config),
  ];
}

const COMMON = { level: 'ticket', threshold: 1, missing: TreatMissingData.NOT_BREACHING } as const;
/** One that lasted for less than five minutes was made up for by a retry. */
const TWO_OF_THREE = { bad: 2, of: 3 } as const;

/**
 * Those between a caller or a user and his token. Not refresh-due: of its runs at most eight are let in at once, and one that
 * is refused is made up for by the next.
 */
export const TOKEN_PATH = [
  'get-token',
  'refresh-grant',
  'rescue',
  'authorizer',
  'callback',
  'finish-connect',
] as const satisfies readonly FunctionName[];

function throttledLambda(environment: string): AlarmSpec {
  const parts = Object.fromEntries(
    TOKEN_PATH.map((name) => [name.replaceAll('-', '_'), functionMetric(environment, name, 'Throttles', 'Sum')]),
  );
  return {
    ...COMMON,
    id: 'throttled-lambda',
    metric: total('Throttles', parts, FIVE_MINUTES),
    datapoints: TWO_OF_THREE,
    feels:
      'Lambda refuses to run functions that serve or refresh tokens: callers see throttling errors and wait longer.',
    look: `npm run ops -- status --env ${environment} (is it paused?); aws lambda get-account-settings: ConcurrentExecutions, UnreservedConcurrentExecutions.`,
  };
}

/** Requests of an AWS service that were refused before a retry got through; a few of them nobody notices. */
const THROTTLES = 10;

const SERVICES = {
  dynamodb: {
    feels:
      'DynamoDB throttles us: callers and browsers wait longer, and tokens may have to take the way of the rescue queue.',
    look: 'CloudWatch AWS/DynamoDB ReadThrottleEvents and WriteThrottleEvents by table, and the Service Quotas of DynamoDB.',
  },
  kms: {
    feels: 'KMS throttles us: calls that have to decrypt a token wait longer or fail, and refreshes are put off.',
    look: 'Service Quotas of KMS, cryptographic operations (symmetric): who else in the account uses them? CloudTrail tells.',
  },
} as const;

function throttledService(environment: string, service: keyof typeof SERVICES & ThrottledService): AlarmSpec {
  return {
    ...COMMON,
    id: `throttled-${service}`,
    metric: ownMetrics(environment)(METRICS.awsThrottled, 'Sum', { outcome: service }).with({ period: FIVE_MINUTES }),
    threshold: THROTTLES,
    datapoints: TWO_OF_THREE,
    ...SERVICES[service],
  };
}

function secretErrors(environment: string): AlarmSpec {
  return {
    ...COMMON,
    id: 'secret-errors',
    metric: ownMetrics(environment)(METRICS.secretErrors, 'Sum').with({ period: FIVE_MINUTES }),
    datapoints: TWO_OF_THREE,
    feels:
      'Secrets cannot be read or are malformed: users cannot connect, and refreshes stop as soon as functions forget what they read before.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-refresh-due, -connect and -finish-connect: filter code = "secret_unavailable" or reason like "secret_unavailable" | stats count(*) by function, provider, errorName.`,
  };
}

/** Events the bus did not take, and those it took and could not hand on for a day. */
function eventsDropped({ environment, eventTargets }: Watched): AlarmSpec {
  const dropped = ownMetrics(environment)(METRICS.eventsDropped, 'Sum');
  const undelivered = queueMetric(eventsDeadLetterName(environment), 'Visible');
  const parts = eventTargets.length === 0 ? { dropped } : { dropped, undelivered };
  return {
    ...COMMON,
    id: 'events-dropped',
    metric: total('events', parts, FIVE_MINUTES),
    datapoints: { bad: 1, of: 3 },
    feels:
      'Lifecycle events did not reach the bus, or one of its targets: who listens there has missed something. Tokens are not affected.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-refresh-due, -refresh-grant, -finish-connect, -disconnect and -rescue: filter message = "lifecycle events were dropped" | stats sum(count) by reason.`,
  };
}
