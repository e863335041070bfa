/**
 * A refusal as AWS words it. `code` is what the SDK shows as `error.name`; `extra` holds further members of the
 * error, such as `Item` or `CancellationReasons`. The server renders it in the protocol of the service, with
 * `x-amzn-errortype` and `__type`.
 */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly extra: object;

  constructor(code: string, message: string, status = 400, extra: object = {}) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
    this.extra = extra;
  }
}

/** Not an answer but the lack of one: the socket is cut (`drop`) or stays silent until the client gives up (`hang`). */
export class ConnectionFault extends Error {
  readonly kind: 'drop' | 'hang';

  constructor(kind: 'drop' | 'hang') {
    super(`The embedded AWS was told to ${kind} this request.`);
    this.name = 'ConnectionFault';
    this.kind = kind;
  }
}

/** What a service throws for an operation it does not carry out: nothing is ever answered with a pretended success. */
export function unknownOperation(service: string, operation: string): AwsError {
  return new AwsError(
    'UnknownOperationException',
    `The embedded ${service} does not implement ${operation || 'this request'}.`,
  );
}
