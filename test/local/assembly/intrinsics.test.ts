// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of Fn::Sub

import { describe, expect, test } from 'vitest';
import { identify } from '../../../local/assembly/identity.ts';
import { createResolver } from '../../../local/assembly/intrinsics.ts';
import type { Stack } from '../../../local/assembly/template.ts';

const data: Stack = {
  name: 'data',
  dir: '/nowhere',
  template: {
    Resources: {
      Items: { Type: 'AWS::DynamoDB::GlobalTable', Properties: { TableName: 'items' } },
      Plain: { Type: 'AWS::DynamoDB::Table' },
      Odd: { Type: 'AWS::Odd::Thing' },
    },
    Outputs: { Out: { Value: { 'Fn::GetAtt': ['Items', 'Arn'] }, Export: { Name: 'data:ItemsArn' } } },
  },
};
const code: Stack = {
  name: 'code',
  dir: '/nowhere',
  template: {
    Parameters: { Version: { Default: '6' } },
    Resources: {
      Worker: {
        Type: 'AWS::Lambda::Function',
        Properties: { FunctionName: { 'Fn::Join': ['-', ['app', { Ref: 'Version' }]] } },
      },
      First: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Worker' } } },
      Live: { Type: 'AWS::Lambda::Alias', Properties: { FunctionName: { Ref: 'Worker' }, Name: 'live' } },
    },
  },
};
const resolve = createResolver([data, code], identify);

describe('resolving intrinsics', () => {
  test.for<[string, unknown, unknown]>([
    ['constants', { a: [1, 'x', true] }, { a: [1, 'x', true] }],
    ['Ref of a parameter', { Ref: 'Version' }, '6'],
    ['Ref of a resource whose name is computed', { Ref: 'Worker' }, 'app-6'],
    ['Ref of a version', { Ref: 'First' }, 'arn:aws:lambda:us-east-1:000000000000:function:app-6:1'],
    ['Ref of an alias', { Ref: 'Live' }, 'arn:aws:lambda:us-east-1:000000000000:function:app-6:live'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Worker', 'Arn'] }, 'arn:aws:lambda:us-east-1:000000000000:function:app-6'],
    ['GetAtt as text', { 'Fn::GetAtt': 'First.Version' }, '1'],
    [
      'an export of another stack',
      { 'Fn::ImportValue': 'data:ItemsArn' },
      'arn:aws:dynamodb:us-east-1:000000000000:table/items',
    ],
    ['Join', { 'Fn::Join': ['/', ['a', { Ref: 'AWS::Region' }]] }, 'a/us-east-1'],
    ['Select of Split', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    [
      'Sub',
      { 'Fn::Sub': '${AWS::Partition}:${Worker.Arn}:${!Not}' },
      'aws:arn:aws:lambda:us-east-1:000000000000:function:app-6:${Not}',
    ],
    ['Sub with variables', { 'Fn::Sub': ['${x}-${Version}', { x: { Ref: 'AWS::AccountId' } }] }, '000000000000-6'],
    ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['NoValue in a list', [{ Ref: 'AWS::NoValue' }, 2], [2]],
    ['pseudo parameters', [{ Ref: 'AWS::StackName' }, { Ref: 'AWS::URLSuffix' }], ['code', 'amazonaws.com']],
  ])('%s', ([, value, expected]) => {
    expect(resolve(code, value)).toEqual(expected);
  });

  test.for<[string, unknown, string]>([
    ['an unknown function', { 'Fn::Cidr': ['a'] }, 'code: Fn::Cidr is not supported by the local platform'],
    ['an unknown reference', { Ref: 'Nobody' }, 'code: nothing is called Nobody'],
    [
      'an unknown attribute',
      { 'Fn::GetAtt': ['Worker', 'Nonsense'] },
      'code: attribute Nonsense of Worker (AWS::Lambda::Function) is not known locally',
    ],
    ['an unknown export', { 'Fn::ImportValue': 'nothing' }, 'code: no stack exports nothing'],
    [
      'an unknown pseudo parameter',
      { Ref: 'AWS::NotificationARNs' },
      'code: the pseudo parameter AWS::NotificationARNs is not supported by the local platform',
    ],
    ['an index beyond the list', { 'Fn::Select': [2, ['a']] }, 'code: Fn::Select has no element 2'],
    ['a Join without a list', { 'Fn::Join': ['-', 'a'] }, 'code: Fn::Join needs a list'],
    ['a malformed Select', { 'Fn::Select': [1] }, 'code: Fn::Select is malformed'],
  ])('%s is an error that names the stack', ([, value, message]) => {
    expect(() => resolve(code, value)).toThrow(message);
  });

  test('a resource without a name gets one from stack and logical id', () => {
    expect(resolve(data, { Ref: 'Plain' })).toBe('data-Plain');
  });

  test('a type nobody knows has a name and no attributes', () => {
    expect(resolve(data, { Ref: 'Odd' })).toBe('data-Odd');
    expect(() => resolve(data, { 'Fn::GetAtt': ['Odd', 'Arn'] })).toThrow('attribute Arn of Odd (AWS::Odd::Thing)');
  });
});
