/** Something that happens at a time; `rank` decides between those of the same time. */
export interface Timed {
  readonly at: number;
  readonly rank: number;
}

/** A priority queue: the earliest first. */
export class Heap<E extends Timed> {
  readonly #entries: E[] = [];

  first(): E | undefined {
    return this.#entries[0];
  }

  put(entry: E): void {
    const entries = this.#entries;
    entries.push(entry);
    for (let index = entries.length - 1; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!isBefore(this.#at(index), this.#at(parent))) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** Takes the first away. */
  take(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.#sink();
  }

  #sink(): void {
    const { length } = this.#entries;
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      if (left >= length) return;
      const right = left + 1;
      const child = right < length && isBefore(this.#at(right), this.#at(left)) ? right : left;
      if (!isBefore(this.#at(child), this.#at(index))) return;
      this.#swap(child, index);
      index = child;
    }
  }

  #at(index: number): E {
    return this.#entries[index] as E;
  }

  #swap(a: number, b: number): void {
    const entry = this.#at(a);
    this.#entries[a] = this.#at(b);
    this.#entries[b] = entry;
  }
}

function isBefore(a: Timed, b: Timed): boolean {
  return a.at < b.at || (a.at === b.at && a.rank < b.rank);
}
