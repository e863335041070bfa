import * as z from 'zod';
import type { ProviderId } from '../../lib/domain/names.ts';
import { ENDPOINTS, FAULT_KINDS, type Fault, type FaultKind } from './faults.ts';
import { ROTATIONS, type Settings } from './settings.ts';

/** An input that is refused, with the field to blame. */
export class ValidationProblem extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

const DAY_SECONDS = 86_400;
const whole = (min: number, max: number) => z.number().int().min(min).max(max);

const CONFIG = z.strictObject({
  accessTokenSeconds: whole(1, DAY_SECONDS).optional(),
  rotation: z.enum(ROTATIONS).optional(),
  graceSeconds: whole(0, 30 * DAY_SECONDS).optional(),
  punishConcurrent: z.boolean().optional(),
  latencyMs: whole(0, 120_000).optional(),
  numbersAsStrings: z.boolean().optional(),
  accessTokenChars: whole(100, 4096).optional(),
  dateSkewSeconds: whole(-DAY_SECONDS, DAY_SECONDS).optional(),
});

const FAULT = z.strictObject({
  endpoint: z.enum(ENDPOINTS),
  kind: z.enum(FAULT_KINDS),
  status: whole(200, 599).optional(),
  error: z.string().min(1).max(200).optional(),
  retryAfter: whole(0, 30 * DAY_SECONDS).optional(),
  delayMs: whole(1, 600_000).optional(),
  times: whole(1, 1_000_000).default(1),
});

const REVOKE = z.strictObject({ tenantId: z.string().min(1).max(64) });
const SECRET = z.strictObject({ clientSecret: z.string().regex(/^[\x21-\x7e]{1,200}$/) });

/** Fields each kind understands beside `endpoint`, `kind` and `times`, and which of them it cannot do without. */
const FAULT_FIELDS: Readonly<Record<FaultKind, { may: readonly (keyof Fault)[]; must?: keyof Fault }>> = {
  status: { may: ['status', 'error', 'retryAfter'], must: 'status' },
  html: { may: ['status', 'retryAfter'] },
  error_json: { may: ['status', 'error', 'retryAfter'], must: 'error' },
  slow: { may: ['delayMs'], must: 'delayMs' },
  drop_before: { may: [] },
  drop_after_commit: { may: [] },
  truncate: { may: [] },
  empty_200: { may: [] },
};

/** The fields to change. Xero rotates at every call, so another rotation is refused there. */
export function parseConfig(provider: ProviderId, body: unknown): Partial<Settings> {
  const config = parse(CONFIG, body);
  if (provider === 'xero' && config.rotation !== undefined && config.rotation !== 'every_call') {
    throw new ValidationProblem('rotation', 'Xero knows only every_call');
  }
  return withoutUndefined(config);
}

export function parseFault(body: unknown): Fault {
  const fault = withoutUndefined(parse(FAULT, body)) as Fault;
  const { may, must } = FAULT_FIELDS[fault.kind];
  if (must && fault[must] === undefined) throw new ValidationProblem(must, `needed by ${fault.kind}`);
  for (const field of ['status', 'error', 'retryAfter', 'delayMs'] as const) {
    if (fault[field] !== undefined && !may.includes(field)) {
      throw new ValidationProblem(field, `has no meaning for ${fault.kind}`);
    }
  }
  return fault;
}

/** The tenant id. */
export function parseRevoke(body: unknown): string {
  return parse(REVOKE, body).tenantId;
}

/** The new client secret. */
export function parseSecret(body: unknown): string {
  return parse(SECRET, body).clientSecret;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknownField = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = unknownField ?? issue?.path.join('.') ?? '';
  throw new ValidationProblem(field || 'body', unknownField ? 'unknown field' : (issue?.message ?? 'not understood'));
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}
