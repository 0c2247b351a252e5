/** Asks once for all that want to know the same while the answer is under way. */
export class AskedOnce<Value> {
  readonly #asked = new Map<string, Promise<Value>>();

  ask(key: string, ask: () => Promise<Value>): Promise<Value> {
    const asked = this.#asked.get(key) ?? ask().finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }
}
