import { clockFromOffset } from '../clock.ts';

/**
 * Makes `Date` of this thread follow the platform's clock: `Date.now()`, `new Date()` and `Date()`. Dates made from
 * arguments, their methods and `instanceof` are as before.
 */
export function moveDate(offset: SharedArrayBuffer): void {
  const clock = clockFromOffset(offset);
  const RealDate = Date;
  RealDate.now = () => clock.now();
  const MovedDate = new Proxy(RealDate, {
    apply: () => new RealDate(clock.now()).toString(),
    construct: (target, args: unknown[], newTarget: NewableFunction) =>
      Reflect.construct(target, args.length === 0 ? [clock.now()] : args, newTarget),
  });
  RealDate.prototype.constructor = MovedDate;
  globalThis.Date = MovedDate;
}
