/**
 * CloudFormation: DescribeStacks of the stacks that were synthesized, with their outputs, in the query protocol. Nothing is
 * deployed here; the stacks are as if they had been created when the platform started.
 */
import { randomUUID } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { optionalString } from './input.ts';
import type { AwsRequest, AwsResponse, AwsService } from './server.ts';

/** A stack of the assembly; its outputs by logical name. */
export interface DescribedStack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, { readonly value: string; readonly description?: string }>>;
}

export interface CloudFormation extends AwsService {
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface CloudFormationOptions {
  readonly guard: Guard;
  readonly clock: Pick<MovableClock, 'now'>;
  /** Asked for each request: some outputs name the port of the embedded AWS, which is known only when it listens. */
  stacks(): readonly DescribedStack[];
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
}

const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';

/** A CloudFormation that knows these stacks. Its answers carry the platform's time in their `Date` header, as AWS's carry AWS's. */
export function createCloudFormation(options: CloudFormationOptions): CloudFormation {
  const { guard, clock, stacks, region = 'us-east-1', account = '000000000000' } = options;
  const createdAt = clock.now();
  const faults = createFaults();
  const arnOf = (name: string) => `arn:aws:cloudformation:${region}:${account}:stack/${name}/${name}`;

  function describe({ principal, operation, input }: AwsRequest): string {
    if (operation !== 'DescribeStacks') throw unknownOperation('CloudFormation', operation);
    const wanted = optionalString(input, 'StackName');
    guard.authorize(principal, {
      action: 'cloudformation:DescribeStacks',
      resource: wanted === undefined ? '*' : wanted.startsWith('arn:') ? wanted : arnOf(wanted),
    });
    const found = stacks().filter(({ name }) => wanted === undefined || name === wanted || arnOf(name) === wanted);
    if (wanted !== undefined && found.length === 0) {
      throw new AwsError('ValidationError', `Stack with id ${wanted} does not exist`);
    }
    const members = found.map((stack) => memberOf(stack, { id: arnOf(stack.name), createdAt }));
    return element('DescribeStacksResult', element('Stacks', members.join('')));
  }
  return {
    scope: 'cloudformation',
    async handle(request) {
      const describing = async () => answer(clock.now(), 200, 'DescribeStacksResponse', describe(request));
      try {
        return await faults.around(request, describing);
      } catch (error) {
        // The query protocol has its own form of a refusal.
        if (!(error instanceof AwsError)) throw error;
        return answer(clock.now(), error.status, 'ErrorResponse', errorOf(error));
      }
    },
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

function memberOf(
  { name, outputs }: DescribedStack,
  made: { readonly id: string; readonly createdAt: number },
): string {
  const entries = Object.entries(outputs).map(([key, { value, description }]) =>
    element(
      'member',
      element('OutputKey', text(key)) +
        element('OutputValue', text(value)) +
        (description === undefined ? '' : element('Description', text(description))),
    ),
  );
  return element(
    'member',
    element('StackName', text(name)) +
      element('StackId', text(made.id)) +
      element('CreationTime', new Date(made.createdAt).toISOString()) +
      element('StackStatus', 'CREATE_COMPLETE') +
      element('Outputs', entries.join('')),
  );
}

function errorOf({ code, message }: AwsError): string {
  return element('Error', element('Type', 'Sender') + element('Code', text(code)) + element('Message', text(message)));
}

function answer(now: number, status: number, root: string, content: string): AwsResponse {
  const metadata = element('ResponseMetadata', element('RequestId', randomUUID()));
  return {
    status,
    headers: { 'content-type': 'text/xml', date: new Date(now).toUTCString() },
    body: `<?xml version="1.0"?><${root} xmlns="${NAMESPACE}">${content}${metadata}</${root}>`,
  };
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(value: string): string {
  return value.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
