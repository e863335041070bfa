import { expect, test } from 'vitest';
import { readEmbeddedMetrics } from '../../../local/aws/cloudwatch-emf.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const line = (directive: object, values: object) =>
  JSON.stringify({ _aws: { Timestamp: NOON, CloudWatchMetrics: [{ Namespace: 'App', ...directive }] }, ...values });
const METRICS = [{ Name: 'Beats', Unit: 'Count' }, { Name: 'Lag' }];

test('without a set of dimensions a metric has none', () => {
  const values = { Beats: 1, Lag: [10, 30, 10] };
  const expected = [
    {
      namespace: 'App',
      name: 'Beats',
      dimensions: [],
      unit: 'Count',
      at: NOON,
      summary: { count: 1, sum: 1, minimum: 1, maximum: 1, values: new Map([[1, 1]]) },
    },
    {
      namespace: 'App',
      name: 'Lag',
      dimensions: [],
      unit: 'None',
      at: NOON,
      summary: {
        count: 3,
        sum: 50,
        minimum: 10,
        maximum: 30,
        values: new Map([
          [10, 2],
          [30, 1],
        ]),
      },
    },
  ];
  // Powertools writes the first form, the specification's own libraries the second.
  for (const Dimensions of [[], [[]], undefined]) {
    expect(readEmbeddedMetrics(line({ Dimensions, Metrics: METRICS }, values))).toEqual(expected);
  }
});

test('a set with a dimension that the document does not hold is left out, and so is what is no number', () => {
  const Dimensions = [['provider'], ['provider', 'outcome']];
  const data = readEmbeddedMetrics(line({ Dimensions, Metrics: METRICS }, { provider: 'xero', Beats: 'x', Lag: 1 }));
  expect(data.map(({ name, dimensions }) => [name, dimensions])).toEqual([
    ['Lag', [{ Name: 'provider', Value: 'xero' }]],
  ]);
});

test.for([
  'INFO something "CloudWatchMetrics"',
  '{"message":"no metrics"}',
  '{"_aws":{"CloudWatchMetrics":[]}}',
  '{"_aws":{"Timestamp":1,"CloudWatchMetrics":"x"}}',
  '{"CloudWatchMetrics":',
  '{"_aws":null,"CloudWatchMetrics":1}',
])('%s holds none', (text) => {
  expect(readEmbeddedMetrics(text)).toEqual([]);
});
