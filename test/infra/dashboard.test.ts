import { beforeAll, expect, test } from 'vitest';
import { METRICS } from '../../lib/domain/names.ts';
import { ofType, type Resource } from './synthesized.ts';
import { alarmsIn, watchResources } from './watched.ts';

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  // biome-ignore lint/suspicious/noExplicitAny: a widget's properties have no type.
  readonly properties: Record<string, any>;
}

let resources: readonly Resource[];
let name: string;
let widgets: readonly Widget[];
beforeAll(() => {
  resources = watchResources();
  const [dashboard] = ofType(resources, 'AWS::CloudWatch::Dashboard');
  name = dashboard?.properties.DashboardName;
  widgets = JSON.parse(dashboard?.properties.DashboardBody).widgets;
});

test('one screen: alarms, then rows for users, refreshes, dependencies and security', () => {
  expect(name).toBe('grantkeeper-dev');
  const rows = Map.groupBy(widgets, ({ y }) => y);
  expect([...rows].map(([y, row]) => [y, row.map(({ x, width, height }) => [x, width, height].join(' '))])).toEqual([
    [0, ['0 12 4', '12 12 4']],
    ...[4, 8, 12, 16, 20].map((y) => [y, ['0 6 4', '6 6 4', '12 6 4', '18 6 4']]),
  ]);
  expect(widgets.map(({ properties }) => properties.title)).toEqual([
    'Pages',
    'Tickets',
    'Tokens served',
    'get-token, ms',
    'get-token: calls that failed by our fault',
    'Connecting: how it ended',
    'quickbooks: refreshes',
    'xero: refreshes',
    'The sweep: most overdue, ms; grants overdue',
    'Circuit, client refused, verdicts frozen (1 = yes); suspects',
    'quickbooks: answers',
    'xero: answers',
    'How long providers take to refresh, ms',
    'Grants by status (daily scan)',
    'AWS throttles us; writes again',
    'Functions: throttled, failed',
    'Rescue queues; tokens at risk',
    'Keys, secrets, events',
    'Denied calls',
    'Firewall: requests blocked',
    'HTTP API: answers',
    'Given up, and soon to end',
  ]);
});

test('the first row shows the state of every alarm, the one that pages first', () => {
  const shown = widgets.filter(({ type }) => type === 'alarm').flatMap(({ properties }) => properties.alarms);
  const ids = ['page', ...alarmsIn(resources).keys()];
  expect(shown).toEqual(ids.map((id) => `Alarms${id.replaceAll('-', '')}.Arn`));
});

test('every metric that is alarmed on is on it', () => {
  const alarmed = [...alarmsIn(resources).values()].flatMap(({ Metrics = [], MetricName }) => [
    ...(MetricName === undefined ? [] : [MetricName]),
    ...Metrics.flatMap(({ MetricStat }: Resource['properties']) => MetricStat?.Metric.MetricName ?? []),
  ]);
  const shown = JSON.stringify(widgets);
  expect([...new Set<string>(alarmed)].filter((metric) => !shown.includes(metric))).toEqual([]);
});

test('every metric the functions count is on it', () => {
  const shown = JSON.stringify(widgets);
  expect(Object.values(METRICS).filter((metric) => !shown.includes(metric))).toEqual([]);
});

test('a line at which somebody is woken is drawn at the threshold of the settings', () => {
  const lines = widgets.flatMap(({ properties }) => properties.annotations?.horizontal ?? []);
  expect(lines).toEqual([
    { value: 3000, label: 'alarm', yAxis: 'left' },
    { value: 900000, label: 'alarm', yAxis: 'left' },
  ]);
});
