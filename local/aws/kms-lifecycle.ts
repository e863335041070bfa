import { AwsError } from './aws-error.ts';

/** A key, and whether it can be used. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
export interface Key {
  readonly keyId: string;
  readonly arn: string;
  readonly material: Buffer;
  readonly description: string;
  readonly createdAt: number;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** Only while its deletion is scheduled. */
  deletionAt?: number;
}

interface KeyRequest {
  readonly key: Key;
  readonly input: Readonly<Record<string, unknown>>;
  readonly now: number;
}

const DAY_MS = 24 * 3600_000;
const MIN_WINDOW_DAYS = 7;
const MAX_WINDOW_DAYS = 30;

/** Operations that change whether a key can be used. Like AWS, they want a key id or an ARN and no alias. */
export const LIFECYCLE: Readonly<Record<string, (request: KeyRequest) => object>> = {
  EnableKey: (request) => turn(request, 'Enabled'),
  DisableKey: (request) => turn(request, 'Disabled'),
  ScheduleKeyDeletion: scheduleDeletion,
  CancelKeyDeletion: cancelDeletion,
};

/** Throws what AWS answers to the use of a key that cannot be used: DisabledException or KMSInvalidStateException. */
export function requireUsable({ arn, state }: Key): void {
  if (state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`);
  if (state === 'PendingDeletion') throw pendingDeletion(arn);
}

/** Whether the waiting period of a scheduled deletion is over; the key is gone then. */
export function isDeleted({ deletionAt }: Key, now: number): boolean {
  return deletionAt !== undefined && deletionAt <= now;
}

/** What DescribeKey answers. */
export function describeKey(key: Key): object {
  return {
    KeyMetadata: {
      AWSAccountId: key.arn.split(':')[4],
      KeyId: key.keyId,
      Arn: key.arn,
      CreationDate: key.createdAt / 1000,
      Description: key.description,
      Enabled: key.state === 'Enabled',
      KeyState: key.state,
      ...(key.deletionAt === undefined ? {} : { DeletionDate: key.deletionAt / 1000 }),
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      Origin: 'AWS_KMS',
      MultiRegion: false,
    },
  };
}

function turn({ key, input }: KeyRequest, state: 'Enabled' | 'Disabled'): object {
  refuseAlias(input);
  if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
  key.state = state;
  return {};
}

function scheduleDeletion({ key, input, now }: KeyRequest): object {
  refuseAlias(input);
  if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
  const days = input.PendingWindowInDays ?? MAX_WINDOW_DAYS;
  if (typeof days !== 'number' || !(days >= MIN_WINDOW_DAYS && days <= MAX_WINDOW_DAYS)) {
    const range = `${MIN_WINDOW_DAYS} to ${MAX_WINDOW_DAYS}`;
    throw new AwsError('ValidationException', `PendingWindowInDays must be ${range}`);
  }
  key.state = 'PendingDeletion';
  key.deletionAt = now + days * DAY_MS;
  return { KeyId: key.arn, KeyState: key.state, DeletionDate: key.deletionAt / 1000, PendingWindowInDays: days };
}

/** The key comes back disabled. */
function cancelDeletion({ key, input }: KeyRequest): object {
  refuseAlias(input);
  if (key.state !== 'PendingDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`);
  }
  key.state = 'Disabled';
  delete key.deletionAt;
  return { KeyId: key.arn };
}

function refuseAlias({ KeyId }: KeyRequest['input']): void {
  if (typeof KeyId === 'string' && KeyId.includes('alias/')) {
    throw new AwsError('InvalidArnException', `Invalid keyId ${KeyId}: an alias cannot be used here.`);
  }
}

function pendingDeletion(arn: string): AwsError {
  return new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`);
}
