import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { Refused, UsageError } from '../../ops/arguments.ts';
import { describeError } from '../../ops/describe-error.ts';

const named = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });

test.for<[unknown, string]>([
  [new UsageError('unknown command "x"'), 'unknown command "x"; npm run ops -- help tells how'],
  [new Refused('not confirmed; nothing was done'), 'not confirmed; nothing was done'],
  [new GrantkeeperError('not_found'), 'There is no such object. Check the id.'],
  [
    new GrantkeeperError('invalid_request', { field: 'organizations' }),
    'The request is not valid. Field: organizations. Correct the named field and send it again.',
  ],
  [
    new GrantkeeperError('unavailable', { cause: named('AccessDeniedException', 'User x may not\nstack') }),
    'A service we depend on did not answer. Try again shortly. (AccessDeniedException: User x may not)',
  ],
  [
    named('AccessDeniedException', 'User x is not authorized to perform: dynamodb:Scan'),
    'AWS did not do it (AccessDeniedException: User x is not authorized to perform: dynamodb:Scan): your role needs this permission; ask who administers it',
  ],
  [
    named('ExpiredTokenException', 'The security token included in the request is expired'),
    'AWS did not do it (ExpiredTokenException: The security token included in the request is expired): log in, or check AWS_PROFILE',
  ],
  [
    named('CredentialsProviderError', 'Could not load credentials from any providers'),
    'AWS did not do it (CredentialsProviderError: Could not load credentials from any providers): log in, or check AWS_PROFILE',
  ],
  [
    named('ResourceNotFoundException', 'Function not found'),
    'AWS did not do it (ResourceNotFoundException: Function not found): check --env, AWS_REGION and the names given',
  ],
  [
    named('ThrottlingException', 'Rate exceeded'),
    'AWS did not do it (ThrottlingException: Rate exceeded): run it again in a minute',
  ],
  [
    named('Error', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }),
    'AWS did not do it (ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1): check the network, AWS_ENDPOINT_URL and AWS_REGION, then run it again',
  ],
  [
    named('AggregateError', '', { code: 'ECONNREFUSED' }),
    'AWS did not do it (ECONNREFUSED): check the network, AWS_ENDPOINT_URL and AWS_REGION, then run it again',
  ],
  [named('Error', 'Region is missing'), 'AWS did not do it (Error: Region is missing): set AWS_REGION'],
  [named('TypeError', 'odd'), 'AWS did not do it (TypeError: odd): check AWS_REGION, credentials and --env'],
])('%o', ([error, line]) => {
  expect(describeError(error)).toBe(line);
});
