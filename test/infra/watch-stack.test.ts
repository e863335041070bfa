import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { addChecks } from '../../infra/checks.ts';
import { FIXED } from '../../infra/cost.ts';
import { DENIALS as DENIAL_CODES } from '../../lib/domain/errors.ts';
import { REAUTH_REASONS } from '../../lib/domain/grant.ts';
import { DENIED_OUTCOMES } from '../../lib/domain/names.ts';
import { ofType, PROJECT_CONTEXT, type Resource } from './synthesized.ts';
import { alarmsIn, buildWatch, watchResources } from './watched.ts';

vi.setConfig({ testTimeout: 60_000 });

const PAGES = [
  'token-at-risk',
  'rescue-queue-waiting',
  'rescue-dead-letter',
  'key-unusable',
  'sweep-heartbeat',
  'refresh-lag',
  'refresh-success-quickbooks',
  'refresh-success-xero',
  'get-token-errors',
  'get-token-latency',
  'verdicts-frozen',
  'config-refused',
  'needs-reauth-burst',
];
const TICKETS = [
  'connect-failures',
  'denied-calls',
  'firewall-blocks',
  'circuit-open',
  'expiring-soon',
  'throttled-lambda',
  'throttled-dynamodb',
  'throttled-kms',
  'secret-errors',
  'events-dropped',
];

let resources: readonly Resource[];
let alarms: ReadonlyMap<string, Resource['properties']>;
let composite: Resource['properties'];
beforeAll(() => {
  resources = watchResources();
  alarms = alarmsIn(resources);
  composite = ofType(resources, 'AWS::CloudWatch::CompositeAlarm')[0]?.properties ?? {};
});

test('these are the alarms', () => {
  expect([...alarms.keys()]).toEqual([...PAGES, ...TICKETS]);
});

describe('who is told', () => {
  test('every alarm tells the ticket topic when it begins, and nobody else', () => {
    const told = [...alarms.values()].map(({ AlarmActions, OKActions, InsufficientDataActions, ActionsEnabled }) => ({
      ...{ AlarmActions, OKActions, InsufficientDataActions, ActionsEnabled },
    }));
    expect(told).toEqual([...alarms].map(() => ({ AlarmActions: ['Topicsticket'] })));
  });

  test('one composite alarm over those that page tells the page topic when it begins and ends', () => {
    const { AlarmDescription, ...rest } = composite;
    expect(rest).toEqual({
      AlarmName: 'grantkeeper-dev-page',
      AlarmActions: ['Topicspage'],
      OKActions: ['Topicspage'],
      AlarmRule: `(${PAGES.map((id) => `ALARM("Alarms${id.replaceAll('-', '')}.Arn")`).join(' OR ')})`,
    });
  });
});

test('every description says what users feel, what to look at first, and its heading', () => {
  const described = [['page', composite] as const, ...alarms].map(([id, { AlarmDescription }]) => {
    const [, heading] = /^[A-Z].+\. First: .+\. Runbook: infra\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription) ?? [];
    return { id, heading, fits: AlarmDescription.length <= 1024 };
  });
  expect(described).toEqual(['page', ...PAGES, ...TICKETS].map((id) => ({ id, heading: id, fits: true })));
});

test('an alarm has at most the ten metrics CloudWatch takes, and its own word for missing data', () => {
  const odd = [...alarms].filter(([, { Metrics = [], TreatMissingData, DatapointsToAlarm }]) => {
    const metrics = Metrics.filter(({ MetricStat }: Resource['properties']) => MetricStat !== undefined);
    return metrics.length > 10 || TreatMissingData === undefined || DatapointsToAlarm === undefined;
  });
  expect(odd.map(([id]) => id)).toEqual([]);
});

test('every reason to give a grant up is alarmed on but the end that was announced', () => {
  const watched = JSON.stringify(alarms.get('needs-reauth-burst'));
  expect(REAUTH_REASONS.filter((reason) => !watched.includes(`"${reason}"`))).toEqual(['hard_expired']);
});

test('every code that refuses for want of right is counted as denied, and what hides an object', () => {
  expect([...DENIED_OUTCOMES].sort()).toEqual([...DENIAL_CODES, 'not_found'].sort());
});

test('cdk-nag finds nothing that is not acknowledged with a reason, and synthesis warns of nothing', () => {
  const app = new App({ context: PROJECT_CONTEXT });
  addChecks(app);
  const addresses = {
    pageAddresses: '["oncall@example.com","https://pager.example.com/in"]',
    ticketAddresses: '["team@example.com"]',
  };
  const { stack } = buildWatch(addresses, app);
  expect(() => app.synth()).not.toThrow();
  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
});

test('the stack tells the addresses of both topics', () => {
  const outputs = Template.fromStack(buildWatch().stack).findOutputs('*');
  expect(Object.keys(outputs)).toEqual(['PageTopic', 'TicketTopic']);
});

test('what alarms cost is counted by their metrics; the one that learns has a price of its own', () => {
  const alarms = [...alarmsIn(watchResources())].filter(([id]) => id !== 'denied-calls');
  const counted = alarms.map(([, { Metrics = [{ MetricStat: {} }] }]) =>
    Metrics.filter(({ MetricStat }: Resource['properties']) => MetricStat !== undefined),
  );
  expect(counted.flat()).toHaveLength(FIXED.alarmedMetrics);
});
