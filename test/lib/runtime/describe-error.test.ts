import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { codeOf, describeError } from '../../../lib/runtime/describe-error.ts';

function awsError(): Error {
  const error = new Error('token eyJ is not valid');
  error.name = 'ThrottlingException';
  return Object.assign(error, { $metadata: { httpStatusCode: 400, requestId: 'aws-1' }, response: 'eyJ' });
}

test.for<[string, unknown, object]>([
  ['one of ours', new GrantkeeperError('not_found'), { code: 'not_found' }],
  [
    'one of ours with a field',
    new GrantkeeperError('invalid_request', { field: 'a' }),
    { code: 'invalid_request', field: 'a' },
  ],
  [
    'one of ours caused by AWS',
    new GrantkeeperError('unavailable', { cause: awsError() }),
    { code: 'unavailable', errorName: 'ThrottlingException', errorStatus: 400, errorRequestId: 'aws-1' },
  ],
  [
    'one of ours caused by one that AWS caused',
    new GrantkeeperError('unavailable', { cause: new Error('eyJ', { cause: awsError() }) }),
    { code: 'unavailable', errorName: 'ThrottlingException', errorStatus: 400, errorRequestId: 'aws-1' },
  ],
  [
    'a missing configuration',
    new GrantkeeperError('configuration_missing', { cause: { variables: ['GK_A', 'GK_B'] } }),
    { code: 'configuration_missing', missing: 'GK_A GK_B' },
  ],
  ['a thrown string', 'eyJ', { code: 'internal_error', errorName: 'string' }],
  [
    'one that nobody threw on purpose',
    new TypeError('eyJ\n    at eyJ (eyJ.ts:1:1)'),
    {
      code: 'internal_error',
      errorName: 'TypeError',
      errorAt: expect.stringMatching(/^describe-error\.test\.ts:\d+:\d+$/),
    },
  ],
])('%s is described without its message', ([, error, expected]) => {
  expect(describeError(error)).toEqual(expected);
  expect(JSON.stringify(describeError(error))).not.toContain('eyJ');
});

test('causes that go in a circle end', () => {
  const first = new Error('a');
  const second = new Error('b', { cause: first });
  first.cause = second;
  expect(describeError(new GrantkeeperError('unavailable', { cause: first }))).toEqual({
    code: 'unavailable',
    errorName: 'Error',
  });
});

test('whatever is not ours is an internal error to outsiders', () => {
  expect([codeOf(new GrantkeeperError('tenant_lost')), codeOf(awsError()), codeOf(undefined)]).toEqual([
    'tenant_lost',
    'internal_error',
    'internal_error',
  ]);
});
