/** More pages, empty pages one after another, and items than any real list has. */
const MAX_PAGES = 1000;
const MAX_EMPTY_PAGES = 20;
const MAX_KEYS = 10_000;
/** Lists that are read at the same time, page by page. */
const MAX_CHAINS = 100;

/** What the pages before a cursor have brought. */
interface Chain {
  readonly keys: ReadonlySet<string>;
  readonly pages: number;
  readonly emptyPages: number;
}

const BEGINNING: Chain = { keys: new Set(), pages: 0, emptyPages: 0 };

/** Finds the end of lists whose server never ends them: where a page brings nothing that a page before it has not brought. */
export class ListPages {
  readonly #chains = new Map<string, Chain>();

  /** The cursor of the next page; undefined where the list is over. */
  next(cursor: unknown, keys: readonly string[], nextCursor: unknown): unknown {
    if (nextCursor === undefined || nextCursor === cursor) return undefined;
    const before = this.#chains.get(JSON.stringify(cursor) ?? '') ?? BEGINNING;
    const chain = {
      keys: new Set([...before.keys, ...keys]),
      pages: before.pages + 1,
      // A page may be empty, such as one whose tools are all for others.
      emptyPages: keys.length === 0 ? before.emptyPages + 1 : 0,
    };
    if (isOver(before, chain)) return undefined;
    const key = JSON.stringify(nextCursor);
    this.#chains.delete(key);
    this.#chains.set(key, chain);
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size <= MAX_CHAINS) break;
      this.#chains.delete(oldest);
    }
    return nextCursor;
  }
}

function isOver(before: Chain, { keys, pages, emptyPages }: Chain): boolean {
  if (pages >= MAX_PAGES || emptyPages >= MAX_EMPTY_PAGES || keys.size >= MAX_KEYS) return true;
  return before.pages > 0 && emptyPages === 0 && keys.size === before.keys.size;
}
