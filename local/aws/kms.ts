/**
 * KMS: symmetric keys with real AES-256-GCM and an authenticated encryption context, that can be disabled and scheduled for
 * deletion. Key policies, grants, rotation and asymmetric keys are not modelled: identity policies alone decide.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard, Principal } from './iam.ts';
import { optionalBytes, optionalString, requireString } from './input.ts';
import { type EncryptionContext, invalidCiphertext, keyIdOfBlob, openBlob, sealBlob } from './kms-crypto.ts';
import { describeKey, isDeleted, type Key, LIFECYCLE, requireUsable } from './kms-lifecycle.ts';
import type { AwsRequest, AwsService } from './server.ts';

export interface Kms extends AwsService {
  /** Creates a key and answers its ARN. Aliases are written with or without `alias/`. */
  addKey(definition?: { keyId?: string; aliases?: readonly string[]; description?: string }): string;
  /** Turns a key (ARN, id or alias) off or on: a disabled key answers DisabledException to everything but Describe. */
  setEnabled(key: string, enabled: boolean): void;
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface KmsOptions {
  readonly guard: Guard;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
  /** By which a scheduled deletion comes; default: the machine's. */
  readonly clock?: Pick<MovableClock, 'now'>;
}

/** A request whose key is known and may be used. */
interface Authorised {
  readonly key: Key;
  readonly context: EncryptionContext;
  readonly input: Readonly<Record<string, unknown>>;
  readonly now: number;
}

/** KMS `Encrypt` takes no more. */
const MAX_PLAINTEXT_BYTES = 4096;
const MAX_BLOB_BYTES = 6144;
const MAX_DATA_KEY_BYTES = 1024;

type Handler = (request: Authorised) => object;

const HANDLERS: Readonly<Record<string, Handler>> = {
  Encrypt: encrypt,
  Decrypt: decrypt,
  GenerateDataKey: (request) => generateDataKey(request, { withPlaintext: true }),
  GenerateDataKeyWithoutPlaintext: (request) => generateDataKey(request, { withPlaintext: false }),
  DescribeKey: ({ key }) => describeKey(key),
  ...LIFECYCLE,
};

/** A KMS without keys. */
export function createKms(options: KmsOptions): Kms {
  const { guard, region = 'us-east-1', account = '000000000000', clock = { now: Date.now } } = options;
  const keys = new Map<string, Key>();
  const aliases = new Map<string, string>();
  const arnPrefix = `arn:aws:kms:${region}:${account}:`;
  const faults = createFaults();

  function find(name: string): Key {
    const local = name.startsWith(arnPrefix) ? name.slice(arnPrefix.length) : name;
    const key = keys.get(aliases.get(local) ?? local.replace(/^key\//, ''));
    if (key && !isDeleted(key, clock.now())) return key;
    const arn = local.startsWith('alias/') ? `Alias ${arnPrefix}${local}` : `Key '${arnPrefix}key/${local}'`;
    throw new AwsError('NotFoundException', `${arn} does not exist`);
  }
  function keyOfRequest({ operation, input }: AwsRequest): Key {
    if (operation !== 'Decrypt') return find(requireString(input, 'KeyId'));
    const blob = optionalBytes(input, 'CiphertextBlob') ?? Buffer.alloc(0);
    if (blob.length < 1 || blob.length > MAX_BLOB_BYTES) {
      throw new AwsError('ValidationException', `CiphertextBlob must have 1 to ${MAX_BLOB_BYTES} bytes`);
    }
    const key = keys.get(keyIdOfBlob(blob));
    if (!key || isDeleted(key, clock.now())) throw invalidCiphertext();
    const wanted = optionalString(input, 'KeyId');
    if (wanted && find(wanted) !== key) {
      throw new AwsError(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can perform this operation.',
      );
    }
    return key;
  }
  function perform(request: AwsRequest): object {
    const { operation, input, principal } = request;
    const handler = HANDLERS[operation];
    if (!handler) throw unknownOperation('KMS', operation);
    if (input.Recipient) throw new AwsError('UnsupportedOperationException', 'Nitro Enclaves are not supported.');
    const key = keyOfRequest(request);
    const context = contextOf(input);
    authorize(guard, { principal, operation, key, context, alias: optionalString(input, 'KeyId') });
    if (operation !== 'DescribeKey' && !(operation in LIFECYCLE)) requireUsable(key);
    if (input.DryRun === true) {
      throw new AwsError('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');
    }
    return handler({ key, context, input, now: clock.now() });
  }
  return {
    scope: 'kms',
    handle: (request) => faults.around(request, async () => ({ status: 200, body: perform(request) })),
    addKey({ keyId = randomUUID(), aliases: names = [], description = '' } = {}) {
      if (!/^[\w-]{1,128}$/.test(keyId)) throw new RangeError('a key id has letters, digits, _ and - only');
      const arn = `${arnPrefix}key/${keyId}`;
      const createdAt = clock.now();
      keys.set(keyId, { keyId, arn, material: randomBytes(32), description, createdAt, state: 'Enabled' });
      for (const name of names) aliases.set(`alias/${name.replace(/^alias\//, '')}`, keyId);
      return arn;
    },
    setEnabled(name, enabled) {
      find(name).state = enabled ? 'Enabled' : 'Disabled';
    },
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

interface Question {
  readonly principal: Principal;
  readonly operation: string;
  readonly key: Key;
  readonly context: EncryptionContext;
  readonly alias: string | undefined;
}

function authorize(guard: Guard, { principal, operation, key, context, alias }: Question): void {
  const names = Object.keys(context);
  const pairs = names.map((name) => [`kms:EncryptionContext:${name}`, context[name] ?? '']);
  const aliasName = alias?.slice(alias.indexOf('alias/'));
  guard.authorize(principal, {
    action: `kms:${operation}`,
    resource: key.arn,
    context: {
      ...Object.fromEntries(pairs),
      ...(names.length > 0 ? { 'kms:EncryptionContextKeys': names } : {}),
      ...(aliasName && alias?.includes('alias/') ? { 'kms:RequestAlias': aliasName } : {}),
    },
  });
}

function contextOf(input: Readonly<Record<string, unknown>>): EncryptionContext {
  const context = (input.EncryptionContext ?? {}) as EncryptionContext;
  if (Object.values(context).every((value) => typeof value === 'string')) return context;
  throw new AwsError('ValidationException', 'EncryptionContext holds strings only');
}

function encrypt({ key, context, input }: Authorised): object {
  const plaintext = optionalBytes(input, 'Plaintext') ?? Buffer.alloc(0);
  if (plaintext.length < 1 || plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new AwsError('ValidationException', `Plaintext must have 1 to ${MAX_PLAINTEXT_BYTES} bytes`);
  }
  const blob = sealBlob(plaintext, { ...key, context });
  return { KeyId: key.arn, CiphertextBlob: blob.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
}

function decrypt({ key, context, input }: Authorised): object {
  const plaintext = openBlob(optionalBytes(input, 'CiphertextBlob') ?? Buffer.alloc(0), { ...key, context });
  return { KeyId: key.arn, Plaintext: plaintext.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
}

function generateDataKey({ key, context, input }: Authorised, { withPlaintext }: { withPlaintext: boolean }): object {
  const plaintext = randomBytes(dataKeyBytes(input));
  const blob = sealBlob(plaintext, { ...key, context });
  return {
    KeyId: key.arn,
    CiphertextBlob: blob.toString('base64'),
    ...(withPlaintext ? { Plaintext: plaintext.toString('base64') } : {}),
  };
}

function dataKeyBytes(input: Readonly<Record<string, unknown>>): number {
  const spec = optionalString(input, 'KeySpec');
  const bytes = input.NumberOfBytes;
  if ((spec === undefined) === (bytes === undefined)) {
    throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.');
  }
  if (spec === 'AES_256') return 32;
  if (spec === 'AES_128') return 16;
  if (Number.isInteger(bytes) && Number(bytes) >= 1 && Number(bytes) <= MAX_DATA_KEY_BYTES) return Number(bytes);
  throw new AwsError('ValidationException', `KeySpec is AES_256 or AES_128, NumberOfBytes 1 to ${MAX_DATA_KEY_BYTES}`);
}
