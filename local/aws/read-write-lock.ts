/** Many readers or one writer at a time, in the order they came, so that nobody starves. */
export interface ReadWriteLock {
  read<T>(work: () => Promise<T>): Promise<T>;
  write<T>(work: () => Promise<T>): Promise<T>;
}

/** A free lock. Not re-entrant: work that takes it again waits for itself forever. */
export function createReadWriteLock(): ReadWriteLock {
  const waiting: { exclusive: boolean; start: () => void }[] = [];
  let readers = 0;
  let writing = false;

  function startWaiting(): void {
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (writing || (next.exclusive && readers > 0)) return;
      waiting.shift();
      if (next.exclusive) writing = true;
      else readers += 1;
      next.start();
    }
  }
  async function run<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      waiting.push({ exclusive, start });
      startWaiting();
    });
    try {
      return await work();
    } finally {
      if (exclusive) writing = false;
      else readers -= 1;
      startWaiting();
    }
  }
  return { read: (work) => run(false, work), write: (work) => run(true, work) };
}
