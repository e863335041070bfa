let invocations = 0;
const loadedAt = Date.now();

/** Does what the event's `do` says, for tests of the runtime; answers a gateway event with itself. */
export const handler = async (event, context) => {
  invocations += 1;
  if (event.httpMethod !== undefined) return answerRequest(event);
  switch (event.do) {
    case 'environment':
      return process.env;
    case 'context':
      return { ...context, remainingMs: context.getRemainingTimeInMillis() };
    case 'count':
      return { invocations, thread: loadedAt };
    case 'clock':
      return {
        now: Date.now(),
        made: Date.parse(new Date().toISOString()),
        text: Date.parse(Date()),
        fixed: new Date(0).toISOString(),
      };
    case 'sleep':
      await new Promise((resolve) => setTimeout(resolve, event.ms));
      return { slept: event.ms };
    case 'throw':
      throw new TypeError('asked to fail');
    case 'exit':
      return process.exit(7);
    case 'crash':
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return await new Promise(() => {});
    case 'print':
      console.log(event.text);
      process.stderr.write('half a ');
      process.stderr.write('line\n');
      return null;
    case 'large':
      return 'x'.repeat(event.bytes);
    default:
      return { echoed: event };
  }
};

const answerRequest = (event) => {
  const wish = event.headers['X-Wish'] ?? event.headers['x-wish'];
  if (wish !== undefined) return JSON.parse(wish);
  return { statusCode: 200, body: JSON.stringify(event) };
};
