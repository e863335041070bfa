import { rescueHandler } from '../lib/runtime/rescue-handler.ts';
import { rescuePorts } from '../lib/runtime/wiring.ts';
import { type RescuePorts, rescue } from '../lib/service/rescue.ts';

/** Stores the tokens that were put on the rescue queue because the store did not take them in time. */
export function createHandler(ports: () => RescuePorts) {
  return rescueHandler((message, deadlineAt) => rescue(ports(), message, deadlineAt));
}

export const handler = createHandler(rescuePorts);
