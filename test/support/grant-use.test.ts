import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { FunctionResource } from '../../local/assembly/model.ts';
import { judgeUse, readRecords, recordUse, USE_FOLDER } from './grant-use.ts';

const folder = mkdtempSync(join(tmpdir(), 'grantkeeper-grant-use-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A platform with one function, of whose policy these actions were used. */
function platform(used: readonly string[]): Parameters<typeof recordUse>[0] {
  const statements = [
    { Sid: 'UseGrants', Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:Query'], Resource: 'arn:a' },
    { Sid: 'Invoke', Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: 'arn:b' },
  ] as const;
  const allowed = used.map((use) => {
    const [statement = '', action = ''] = use.split(' ');
    return { principal: 'status', statement, action, count: 1 };
  });
  const functions = [{ name: 'status', statements }] as unknown as FunctionResource[];
  return { assembly: { functions }, guardReport: () => ({ allowed }) };
}

test('an action that no platform used is named, with its role and statement', () => {
  vi.stubEnv(USE_FOLDER, folder);
  recordUse(platform(['UseGrants dynamodb:GetItem']));
  recordUse(platform(['Invoke lambda:InvokeFunction']));
  expect(judgeUse(readRecords(folder))).toEqual({
    granted: [
      'status Invoke lambda:InvokeFunction',
      'status UseGrants dynamodb:GetItem',
      'status UseGrants dynamodb:Query',
    ],
    unused: ['status UseGrants dynamodb:Query'],
  });
});

test('the same action of another statement is another grant', () => {
  vi.stubEnv(USE_FOLDER, folder);
  recordUse(platform(['Other dynamodb:GetItem', 'UseGrants dynamodb:Query', 'Invoke lambda:InvokeFunction']));
  expect(judgeUse(readRecords(folder)).unused).toEqual(['status UseGrants dynamodb:GetItem']);
});

test('nothing is recorded where nobody asked for it', () => {
  vi.stubEnv(USE_FOLDER, undefined);
  recordUse(platform([]));
  expect(readRecords(folder)).toEqual([]);
});
