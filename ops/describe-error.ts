import { ERRORS, GrantkeeperError } from '../lib/domain/errors.ts';
import { Refused, UsageError } from './arguments.ts';

/** What to do about what AWS says, by its name for it. */
const NEXT: readonly (readonly [RegExp, string])[] = [
  [/^AccessDenied|NotAuthorized|^UnauthorizedOperation/, 'your role needs this permission; ask who administers it'],
  [
    /^(ExpiredToken|CredentialsProviderError|TokenProviderError|InvalidClientTokenId|UnrecognizedClient)/,
    'log in, or check AWS_PROFILE',
  ],
  [/^(ResourceNotFound|NotFound|ValidationError$|ResourceInUse)/, 'check --env, AWS_REGION and the names given'],
  [/Throttl|TooManyRequests|LimitExceeded|RequestLimit/, 'run it again in a minute'],
  [
    /^(TimeoutError|NetworkingError|ECONN|ENOTFOUND|EAI_AGAIN)/,
    'check the network, AWS_ENDPOINT_URL and AWS_REGION, then run it again',
  ],
];
const OTHERWISE = 'check AWS_REGION, credentials and --env';

/** One line: what went wrong, what AWS called it, what to do. Never a secret: AWS's messages hold names only. */
export function describeError(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof UsageError) return `${error.message}; npm run ops -- help tells how`;
  if (!(error instanceof GrantkeeperError)) return `AWS did not do it${reasonOf(error)}: ${nextOf(error)}`;
  const field = error.field === undefined ? '' : ` Field: ${error.field}.`;
  return `${error.message}${field} ${ERRORS[error.code].next}${reasonOf(error.cause)}`;
}

/** AWS's name for an error, and its first line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const told = error.message.split('\n')[0] ?? '';
  return ` (${nameOf(error)}${told === '' ? '' : `: ${told}`})`;
}

function nextOf(error: unknown): string {
  if (error instanceof Error && /region is missing/i.test(error.message)) return 'set AWS_REGION';
  const name = error instanceof Error ? nameOf(error) : '';
  return NEXT.find(([pattern]) => pattern.test(name))?.[1] ?? OTHERWISE;
}

/** A failed connection is a plain `Error` with a code, or several of them. */
function nameOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return error.name === 'Error' || error.name === 'AggregateError' ? String(code ?? error.name) : error.name;
}
