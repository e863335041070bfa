import { Duration } from 'aws-cdk-lib';
import { type MathExpression, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, METRICS, type MetricName, PROVIDER_IDS } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import type { Config } from './config.ts';
import { MINUTE, ofEachProvider, ownMetrics, type Parts, total } from './metrics.ts';

type Watched = Pick<Config, 'environment' | 'needsReauthBurst'>;

/** Alarms on what providers say of us and of grants: the breaker, the guard, grants given up, authorisations that end. */
export function providerAlarms(config: Watched): readonly AlarmSpec[] {
  return [...levelAlarms(config), needsReauthBurst(config), expiringSoon(config)];
}

/** On gauges that are 1 while something lasts. They are written once a minute; a sweep that is late leaves a gap. */
function levelAlarms({ environment }: Watched): readonly AlarmSpec[] {
  const common = { threshold: 1, missing: TreatMissingData.NOT_BREACHING } as const;
  const status = `npm run ops -- status --env ${environment}`;
  return [
    {
      ...common,
      id: 'verdicts-frozen',
      level: 'page',
      metric: anyProvider(environment, METRICS.verdictsFrozen),
      datapoints: { bad: 3, of: 10 },
      feels:
        'So many grants of a provider are refused at once that no rejection is believed: their organisations get refresh_rejected once their access tokens run out. Nobody is asked to reconnect.',
      look: `${status} (guard and suspects by provider), and the provider's status page.`,
    },
    {
      ...common,
      id: 'config-refused',
      level: 'page',
      metric: anyProvider(environment, METRICS.configRefused),
      datapoints: { bad: 3, of: 5 },
      feels:
        'A provider refuses our client id or secret: nobody can connect there and nothing is refreshed; tokens that are valid are served until they run out.',
      look: `${status}; aws secretsmanager describe-secret --secret-id ${APP}/${environment}/<provider>/<side>/client: LastChangedDate.`,
    },
    {
      ...common,
      id: 'circuit-open',
      level: 'ticket',
      metric: anyProvider(environment, METRICS.circuitOpen),
      datapoints: { bad: 6, of: 8 },
      feels:
        'For more than five minutes nothing has been refreshed at a provider, which does not answer, throttles us or refuses our client; tokens that are valid are served.',
      look: `${status}: which provider, which kind of circuit, when the next probe is due.`,
    },
  ];
}

/** How many providers have a gauge at 1. */
function anyProvider(environment: string, name: MetricName): MathExpression {
  const parts = ofEachProvider((provider) => ownMetrics(environment)(name, 'Maximum', { provider }));
  return total(name, parts, MINUTE);
}

/** Why grants are given up; not `hard_expired`: its users were told 90, 30 and 7 days before, and nobody on call can help them. */
const SUDDEN = ['user_revoked', 'idle_expired', 'lost_rotation', 'unknown'] as const;

function needsReauthBurst({ environment, needsReauthBurst: burst }: Watched): AlarmSpec {
  const parts = eachProviderAnd(SUDDEN, (provider, outcome) =>
    ownMetrics(environment)(METRICS.needsReauth, 'Sum', { provider, outcome }),
  );
  return {
    id: 'needs-reauth-burst',
    level: 'page',
    metric: total('NeedsReauth', parts, Duration.hours(1)),
    threshold: burst,
    // The period is the hour that counts; it moves on with each minute.
    datapoints: { bad: 1, of: 1 },
    missing: TreatMissingData.NOT_BREACHING,
    feels: `Within an hour ${burst} or more connections were given up: their organisations get needs_reauth, and their users are asked to connect again.`,
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-refresh-due and -refresh-grant: filter message like "given up" | stats count(*) by provider, reason.`,
  };
}

/** The last level of warning, by the clock that runs out. */
const LAST_WARNINGS = ['idle_7', 'hard_7'] as const;

function expiringSoon({ environment }: Watched): AlarmSpec {
  const parts = eachProviderAnd(LAST_WARNINGS, (provider, outcome) =>
    ownMetrics(environment)(METRICS.grantExpiring, 'Sum', { provider, outcome }),
  );
  return {
    id: 'expiring-soon',
    level: 'ticket',
    metric: total('GrantExpiring', parts, Duration.hours(1)),
    threshold: 1,
    // What comes within six hours of each other is one ticket.
    datapoints: { bad: 1, of: 6 },
    missing: TreatMissingData.NOT_BREACHING,
    feels:
      'An authorisation ends within seven days; if nothing happens until then, its organisation gets needs_reauth and its user has to connect again.',
    look: `Logs Insights on /aws/lambda/${APP}-${environment}-refresh-due: filter message = "an authorisation nears its end" and days = 7 | display provider, grant, clock.`,
  };
}

function eachProviderAnd(
  outcomes: readonly string[],
  of: (provider: (typeof PROVIDER_IDS)[number], outcome: string) => Metric,
): Parts {
  return Object.fromEntries(
    PROVIDER_IDS.flatMap((provider) =>
      outcomes.map((outcome) => [`${provider}_${outcome}`, of(provider, outcome)] as const),
    ),
  );
}
