import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { decodeRescue } from '../../lib/aws/rescue-queue.ts';
import { type RescuePorts, rescue } from '../../lib/service/rescue.ts';

/** As the function `rescue` is given, by the clock of the ports. */
const RESCUE_MS = 60_000;

/**
 * What Lambda's event source does for the function `rescue`, once: a message goes when it was applied, and comes again
 * when not. Throws what the queue or the rescue threw.
 */
export async function rescueMessages(
  ports: RescuePorts,
  { client, queueUrl: QueueUrl }: { readonly client: SQSClient; readonly queueUrl: string },
): Promise<void> {
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  for (const { Body = '', ReceiptHandle } of Messages) {
    await rescue(ports, decodeRescue(Body), ports.clock.now() + RESCUE_MS);
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
}
