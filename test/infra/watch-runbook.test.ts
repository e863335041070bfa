import { globSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { FUNCTIONS, METRICS } from '../../lib/domain/names.ts';
import { COMMANDS } from '../../ops/registry.ts';
import { ofType, type Resource } from './synthesized.ts';
import { alarmsIn, watchResources } from './watched.ts';

const RUNBOOK = readFileSync('infra/runbook.md', 'utf8');
const [ofAlarms = '', procedures = ''] = RUNBOOK.split('\n# Procedures\n');

let alarms: ReadonlyMap<string, Resource['properties']>;
let descriptions: string;
beforeAll(() => {
  const resources = watchResources();
  alarms = alarmsIn(resources);
  const composites = ofType(resources, 'AWS::CloudWatch::CompositeAlarm').map(({ properties }) => properties);
  descriptions = [...alarms.values(), ...composites].map(({ AlarmDescription }) => AlarmDescription).join('\n');
});

const headings = (text: string) => found(text, /^## (.+)$/gm);

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = '']) => group);
}

test('every alarm has a runbook heading, every heading an alarm', () => {
  expect(headings(ofAlarms)).toEqual(['page', ...alarms.keys()]);
});

test('every section of an alarm says what it means, what to look at first, and what then', () => {
  const [, ...sections] = ofAlarms.split('\n## ');
  expect(sections.map((section) => found(section, /^\*\*([\w ]+)\.\*\*/gm))).toEqual(
    sections.map(() => ['Means', 'Look first', 'Then']),
  );
});

test('the procedures are there', () => {
  expect(headings(procedures)).toEqual([
    'A provider is down',
    'Our secret leaked',
    'Turn the state key',
    'Erase an organisation',
    'Drill',
    'Restore from a point in time',
  ]);
});

test('every procedure that is pointed at exists', () => {
  const named = found(RUNBOOK.replaceAll(/`[^`]*`/g, ''), /"([A-Z][a-z][^"]{4,40})"/g).map((name) =>
    name.replaceAll('\n', ' '),
  );
  const elsewhere = ['Cryptographic operations (symmetric)', 'Revoke active sessions', 'Deploy'];
  expect(named.filter((name) => ![...headings(RUNBOOK), ...elsewhere].includes(name))).toEqual([]);
});

test('every log line that is asked for is written somewhere', () => {
  const code = textOf('{lib,functions}/**/*.ts');
  const queries = `${descriptions}\n${RUNBOOK}`.replaceAll(/\s+/g, ' ');
  const whole = new Set(found(queries, /(?<!@)message = "([^"]+)"/g));
  const parts = new Set(found(queries, /(?<!@)message like "([^"]+)"/g));
  expect([...whole].sort()).toEqual([
    ...['an authorisation nears its end', 'connect', 'invocation', 'lifecycle events were dropped'],
    'refresh did not succeed',
  ]);
  expect([...parts]).toEqual(['given up']);
  expect([...whole].filter((line) => !code.includes(`'${line}'`))).toEqual([]);
  expect([...parts].filter((part) => !code.includes(part))).toEqual([]);
});

test('every field that is counted by is one that is logged', () => {
  const queries = `${descriptions}\n${RUNBOOK}`.replaceAll(/\s+/g, ' ');
  const lists = found(queries, /(?:stats [^`.]*? by|display) ((?:\w+(?:, )?)+)/g).flatMap((list) => list.split(', '));
  const logged = `${textOf('lib/runtime/logging.ts')} ${textOf('infra/route-api.ts')}`;
  expect(lists.length).toBeGreaterThan(30);
  expect([...new Set(lists)].filter((name) => !new RegExp(`'${name}'|\\b${name}: `).test(logged))).toEqual([]);
});

test('every command that is named exists', () => {
  const names = COMMANDS.map(({ name }) => name);
  const named = found(
    `${descriptions}\n${RUNBOOK}`.replaceAll(/\s+/g, ' '),
    /npm run ops -- ([a-z-]+(?: (?:list|rotate|revoke|state-key))?)/g,
  );
  expect([...new Set(named)].filter((name) => !names.includes(name))).toEqual([]);
});

function textOf(pattern: string): string {
  return globSync(pattern)
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

test('every function, queue and stack that is named exists', () => {
  const named = found(
    `${descriptions.replaceAll('-dev-', '-<env>-')}\n${RUNBOOK}`,
    /(?:grantkeeper-<env>|…)-([a-z][a-z-]*)/g,
  );
  const others = ['rescue-dead-letter', 'events-dead-letter', 'stateful', 'service', 'watch'];
  const known: readonly string[] = [...FUNCTIONS, ...others];
  expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
});

test('every metric of ours that is named exists', () => {
  const OF_AWS =
    /^(Errors|Throttles|Duration|BlockedRequests|ConcurrentExecutions|UnreservedConcurrentExecutions|(Read|Write)ThrottleEvents)$/;
  const named = found(RUNBOOK, /`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`/g).filter((name) => !OF_AWS.test(name));
  const known: readonly string[] = [...Object.values(METRICS), ...NO_METRICS];
  expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
});

/** Words of AWS, written like a metric. */
const NO_METRICS = [
  ...[
    'GrantsTable',
    'ConnectionsTable',
    'AuditTable',
    'KeyState',
    'DeletionDate',
    'PendingDeletion',
    'LastChangedDate',
  ],
  ...[
    'ScheduleKeyDeletion',
    'DisableKey',
    'TooManyRequestsException',
    'PageTopic',
    'ResourceNotFoundException',
    'ServiceUnavailable',
  ],
  ...['AccessDeniedException', 'PendingConfirmation', 'GenerateDataKey'],
];
