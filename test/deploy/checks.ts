/** Ends a run: what comes after a fact that does not hold has nothing to stand on. */
class Stopped extends Error {}

/** Facts, one after the other, each told as it is proved. */
export class Checks {
  #passed = 0;
  #failed = 0;

  /** Does what proves the fact and gives its result; when it throws, the fact failed and the run is over. */
  async that<T>(fact: string, prove: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const tell = (mark: string) =>
      console.log(`${mark} ${fact} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    try {
      const result = await prove();
      this.#passed += 1;
      tell('✓');
      return result;
    } catch (error) {
      this.#failed += 1;
      tell('✗');
      console.log(indented(error instanceof Error ? error.message : String(error)));
      throw new Stopped();
    }
  }

  /** Runs all of it. What fails outside of a fact is a failure too. */
  async run(story: () => Promise<void>): Promise<void> {
    try {
      await story();
    } catch (error) {
      if (error instanceof Stopped) return;
      this.#failed += 1;
      console.log(
        `✗ the run itself\n${indented(error instanceof Error ? (error.stack ?? error.message) : String(error))}`,
      );
    }
  }

  get total(): { readonly passed: number; readonly failed: number } {
    return { passed: this.#passed, failed: this.#failed };
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
