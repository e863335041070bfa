import { intern } from './intern.ts';
import type { Setting } from './setting.ts';
import type { State, Step, World } from './world.ts';
import { spent } from './world.ts';

/** What every process is written with. */

/** The state of a process that is at `K`. */
export type At<K extends State['at']> = Extract<State, { at: K }>;

/** All that may come of the next await of process number `index`, which is at `K`. */
export type Program<K extends State['at']> = (setting: Setting, world: World, index: number, state: At<K>) => Step[];

/** One step of a process, told. */
export function step(world: World, index: number, label: string, after: World): Step {
  return { label: `process ${world.workers[index]?.name} ${label}`, world: after };
}

/** A write that was made: its answer arrives, or it does not and the process is where `unknown` has it. */
export function twice(world: World, index: number, label: string, after: World, unknown: World): Step[] {
  const made = step(world, index, label, after);
  return world.left.writes > 0
    ? [made, step(world, index, `${label}, and the answer is lost`, spent(unknown, 'writes'))]
    : [made];
}

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new ULID, later than all before: its time in base 32, then, instead of chance, its number. */
export function draw(world: World): { readonly id: string; readonly drawn: World } {
  const number = world.drawn + 1;
  const time = Array.from({ length: 10 }, (_, at) => DIGITS[Math.floor(world.now / 32 ** (9 - at)) % 32]).join('');
  return { id: `${time}${String(number).padStart(16, '0')}`, drawn: { ...world, drawn: number } };
}

/** The process at another point. */
export function moved(world: World, index: number, state: State): World {
  const workers = world.workers.map((worker, each) =>
    each === index ? { name: worker.name, state: intern(state) } : worker,
  );
  return { ...world, workers };
}
