let calls = 0;

/** Allows what the key says: `allow <ARN pattern>`, `deny`, `nobody`, `fail`, `nonsense`. */
export const handler = async (event) => {
  calls += 1;
  const [wish, pattern] = (event.headers['X-API-Key'] ?? event.headers['x-api-key']).split(' ');
  if (wish === 'nobody') throw new Error('Unauthorized');
  if (wish === 'fail') throw new Error('asked to fail');
  if (wish === 'nonsense') return { principalId: 'somebody' };
  const Effect = wish === 'deny' ? 'Deny' : 'Allow';
  return {
    principalId: 'somebody',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect, Action: 'execute-api:Invoke', Resource: pattern ?? '*' }],
    },
    context: { calls, isTest: true, methodArn: event.methodArn },
  };
};
