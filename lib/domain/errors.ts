/**
 * Every failure a caller can meet, with the words and the HTTP status it is told in. One closed union, one table:
 * a new code does not compile until it has a row. `next` is what the reader of the error should do.
 */
export const ERRORS = {
  invalid_request: {
    status: 400,
    message: 'The request is not valid.',
    next: 'Correct the named field and send it again.',
  },
  invalid_organization_id: {
    status: 400,
    message: 'organization_id must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit.',
    next: 'Use the id your system knows the organisation by, in that form.',
  },
  unknown_provider: {
    status: 400,
    message: 'The provider is not one of quickbooks, xero.',
    next: 'Use a listed provider.',
  },
  invalid_return_url: {
    status: 400,
    message: 'return_url is not on the list of allowed return URLs.',
    next: 'Use a listed URL, or add this one to the configuration.',
  },
  invalid_state: {
    status: 400,
    message: 'The state parameter was not issued by us for this flow, is too old, or was used before.',
    next: 'Start the connection again from the application.',
  },
  missing_realm_id: {
    status: 400,
    message: 'The provider did not say which company was chosen.',
    next: 'Start the connection again and choose a company.',
  },
  session_invalid: {
    status: 400,
    message: 'This connect link is unknown or has expired.',
    next: 'Ask the application for a new link.',
  },
  unauthorized: {
    status: 401,
    message: 'A valid API key is required.',
    next: 'Send a valid key in the X-API-Key header.',
  },
  forbidden: { status: 403, message: 'The API key lacks the scope for this call.', next: 'Use a key with the scope.' },
  not_found: { status: 404, message: 'There is no such object.', next: 'Check the id.' },
  method_not_allowed: {
    status: 405,
    message: 'The method is not allowed here.',
    next: 'See the routes in the README.',
  },
  rate_limited: { status: 429, message: 'Too many requests.', next: 'Wait and try again.' },
  internal_error: {
    status: 500,
    message: 'Something went wrong on our side.',
    next: 'Try again; quote the correlation id.',
  },
  unavailable: { status: 503, message: 'A service we depend on did not answer.', next: 'Try again shortly.' },

  /** Outcomes of a connect flow, told to the browser as `error=<code>`. */
  access_denied: {
    status: 400,
    message: 'The user declined at the provider.',
    next: 'Start again if that was a mistake.',
  },
  provider_error: { status: 502, message: 'The provider could not complete the request.', next: 'Try again later.' },
  provider_configuration: {
    status: 502,
    message: 'The provider refused our application’s registration or credentials.',
    next: 'The operator must correct client id, secret, scopes or redirect URI.',
  },
  exchange_failed: {
    status: 400,
    message: 'The authorisation could not be completed; the code is spent.',
    next: 'Start the connection again.',
  },
  company_mismatch: {
    status: 409,
    message: 'The company chosen is not the one this organisation is connected to.',
    next: 'Reconnect with the same company, or disconnect first.',
  },
  company_taken: {
    status: 409,
    message: 'This company is connected to another organisation.',
    next: 'Disconnect it there first.',
  },
  company_unconfirmed: {
    status: 502,
    message: 'The provider did not confirm which company the tokens are for.',
    next: 'Start the connection again.',
  },
  no_company: {
    status: 400,
    message: 'The authorisation covers no company.',
    next: 'Start again and choose a company.',
  },
  offline_access_missing: {
    status: 502,
    message: 'The provider issued no refresh token.',
    next: 'The operator must request the offline scope.',
  },
  connection_changed: {
    status: 409,
    message: 'The connection was changed while the user was at the provider.',
    next: 'Start the connection again.',
  },
  flow_expired: { status: 400, message: 'The connect flow took too long.', next: 'Start the connection again.' },

  /** get-token and refresh. */
  consumer_refused: {
    status: 403,
    message: 'This consumer may not ask for this organisation or provider.',
    next: 'Invoke your own alias of get-token; the operator can extend the consumer map.',
  },
  shared_grant_refused: {
    status: 403,
    message: 'This authorisation also opens companies of organisations the consumer may not use.',
    next: 'The operator can allow shared grants.',
  },
  not_connected: { status: 404, message: 'The organisation is not connected.', next: 'Let its user connect.' },
  needs_reauth: {
    status: 409,
    message: 'The provider no longer accepts the authorisation.',
    next: 'Let the user reconnect.',
  },
  tenant_lost: {
    status: 409,
    message: 'The authorisation no longer covers this company.',
    next: 'Let the user reconnect.',
  },
  refresh_in_progress: {
    status: 503,
    message: 'A refresh is running, or was made less than a minute ago.',
    next: 'Ask again after retryAfterSeconds.',
  },
  refresh_rejected: {
    status: 503,
    message: 'The provider rejected the refresh; it is being tried again before the user is asked to reconnect.',
    next: 'Ask again after retryAfterSeconds.',
  },
  refresh_failed: {
    status: 503,
    message: 'The refresh did not succeed yet.',
    next: 'Ask again after retryAfterSeconds.',
  },
  token_undecryptable: {
    status: 500,
    message: 'A stored token could not be decrypted.',
    next: 'See the runbook: the key or the record was changed.',
  },
  configuration_missing: {
    status: 500,
    message: 'The function is not configured completely.',
    next: 'Deploy again; the names of the missing settings are in the log.',
  },
  secret_unavailable: {
    status: 500,
    message: 'A secret is missing or malformed in Secrets Manager.',
    next: 'Put the secret as the README says.',
  },
} as const satisfies Record<string, { status: number; message: string; next: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * Failures through no doing of the caller or of the connection's user: invoked functions log them as errors, get-token and
 * connect flows count them as faults. Not among them, although told as a 5xx: `refresh_in_progress`, because its answer says when to come back and a
 * wait for a slow provider shows in the latency; `refresh_rejected`, because it is most often the user who has withdrawn the
 * authorisation, and where it is not, the provider's refreshes show it.
 */
const FAULTS: ReadonlySet<ErrorCode> = new Set([
  ...(['internal_error', 'unavailable', 'configuration_missing', 'secret_unavailable', 'token_undecryptable'] as const),
  ...(['refresh_failed', 'provider_error', 'provider_configuration'] as const),
  ...(['exchange_failed', 'company_unconfirmed', 'offline_access_missing'] as const),
]);

/** Refusals for want of right: a key, a scope, a state of ours, an alias or the organisations of a grant. */
export const DENIALS = [
  'unauthorized',
  'forbidden',
  'invalid_state',
  'consumer_refused',
  'shared_grant_refused',
] as const satisfies readonly ErrorCode[];

/** Whether a failure is one of ours, of AWS or of the provider, and none of the caller's or the user's making. */
export function isFault(code: ErrorCode): boolean {
  return FAULTS.has(code);
}

/** The code of an error that refuses for want of right; undefined for every other. */
export function denialOf(error: unknown): ErrorCode | undefined {
  return error instanceof GrantkeeperError && error.denied ? error.code : undefined;
}

/**
 * The only error this project throws on purpose. `message` is the table's, never a provider's text; `field` names the
 * offending input; `cause` holds our own or an SDK's error, never a provider's body.
 */
export class GrantkeeperError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** It refuses for want of right, which the code of one that hides what exists (`not_found`) does not show. */
  readonly denied: boolean;

  constructor(
    code: ErrorCode,
    options: { field?: string; retryAfterSeconds?: number; denied?: boolean; cause?: unknown } = {},
  ) {
    super(ERRORS[code].message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GrantkeeperError';
    this.code = code;
    this.field = options.field;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.denied = options.denied ?? DENIALS.some((denial) => denial === code);
  }

  /** HTTP status of the code. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}
