import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { APP } from '../domain/names.ts';
import type { LogOutcome } from '../service/ports.ts';
import { type LogLevel, readLogLevel } from './config.ts';
import { correlationId } from './correlation.ts';

/**
 * The fields a log line may have. A field that is not listed is left out and its name reported, so that nobody can log a
 * token by adding a field in haste; a listed one must be a string, number or boolean, never an object.
 */
const FIELDS = [
  // What was asked, and how it ended.
  ...['function', 'route', 'method', 'status', 'outcome', 'code', 'reason', 'field', 'retryAfterSeconds', 'durationMs'],
  // Whom it concerns: ids only.
  ...['organizationId', 'provider', 'environment', 'tenantId', 'grant', 'linkId', 'flowId', 'sessionId', 'keyId'],
  ...['consumer', 'actor', 'trigger', 'stage', 'purpose', 'kind', 'event'],
  // The attempt, in the words of the protocol.
  ...[
    'attemptId',
    'attemptNumber',
    'number',
    'generation',
    'tokenVersion',
    'source',
    'retry',
    'retries',
    'tries',
    'held',
  ],
  ...['providerTraceId', 'providerStatus', 'providerError', 'errorClass', 'class', 'grantStatus', 'health'],
  // Instants (epoch milliseconds) and counts.
  ...[
    'expiresAt',
    'dueAt',
    'notBefore',
    'deadlineAt',
    'lagMs',
    'due',
    'done',
    'failed',
    'missed',
    'skipped',
    'left',
    'worked',
    'count',
    'retryAt',
    'rejections',
    'duties',
    'days',
  ],
  // How bad it is and what is to be done, in words of ours.
  ...['organizations', 'clock', 'next'],
  // Errors: names and places, never messages.
  ...['error', 'errorName', 'errorStatus', 'errorRequestId', 'errorAt', 'missing', 'table', 'metric'],
] as const;
const ALLOWED: ReadonlySet<string> = new Set(FIELDS);

/** Longer values are no ids, codes or names. */
const MAX_VALUE_LENGTH = 256;

/**
 * Writes one JSON line per outcome (info to standard output, the rest to standard error): level, message, timestamp, correlation id, and the listed fields.
 * Objects, unknown fields and endless strings do not get through; `dropped` names the fields that were left out.
 */
export function createLogOutcome(level: LogLevel = readLogLevel()): LogOutcome {
  const logger = new Logger({ logLevel: level, serviceName: APP, logFormatter: new OutcomeFormatter() });
  return (lineLevel, message, fields) => {
    logger[lineLevel](message, { fields: allowed(fields) });
  };
}

/** The fields that may be printed, in the order given. */
function allowed(fields: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (ALLOWED.has(name) && isPrintable(value)) kept[name] = value;
    else dropped.push(name);
  }
  return dropped.length === 0 ? kept : { ...kept, dropped: dropped.join(' ').slice(0, MAX_VALUE_LENGTH) };
}

/** Nothing we mean to log is long; what is may be a token in the wrong place, and the first part of one is one too much. */
function isPrintable(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return value.length <= MAX_VALUE_LENGTH;
  return typeof value === 'number' || typeof value === 'boolean';
}

class OutcomeFormatter extends LogFormatter {
  override formatAttributes(base: UnformattedAttributes, { fields }: LogAttributes): LogItem {
    return new LogItem({
      attributes: {
        level: base.logLevel,
        message: base.message,
        timestamp: base.timestamp.toISOString(),
        correlationId: correlationId(),
        ...(fields as LogAttributes | undefined),
      },
    });
  }
}
