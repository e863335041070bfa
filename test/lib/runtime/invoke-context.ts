import type { InvokeContext } from '../../../lib/runtime/invoke-handler.ts';

/** The context of an invocation with 20 s left, unqualified unless a qualifier is given. */
export function invokeContext(qualifier?: string, remainingMs = 20_000): InvokeContext {
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:grantkeeper-dev-x';
  return {
    awsRequestId: 'lambda-1',
    invokedFunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    getRemainingTimeInMillis: () => remainingMs,
  };
}
