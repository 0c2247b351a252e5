export interface LineReaderOptions {
  /** Largest line, in bytes. */
  readonly maxBytes: number;
  readonly onLine: (line: string) => void;
  /** A line has become too large; its beginning. What follows of it is dropped. */
  readonly onTooLarge: (head: string) => void;
  /** A line that was too large is over; its end. */
  readonly onDropped: (tail: string) => void;
}

const LINE_FEED = 10;
/** Enough to find an id in. */
const EXCERPT_BYTES = 1024;

/** Cuts a stream of bytes into lines, in time that grows with their number only. */
export class LineReader {
  readonly #options: LineReaderOptions;
  #chunks: Buffer[] = [];
  #size = 0;
  /** The last bytes of a line that is too large; undefined of any other. */
  #tail: Buffer | undefined;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  /** Bytes of the line that is not over yet. */
  get pendingBytes(): number {
    return this.#size;
  }

  /** The line that is not over yet, as bytes. */
  get pending(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (
      let end = chunk.indexOf(LINE_FEED);
      end !== -1;
      start = end + 1, end = chunk.indexOf(LINE_FEED, start)
    ) {
      this.#add(chunk.subarray(start, end));
      this.#endLine();
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  /** The line that is not over yet, so far; undefined of one that is too large. */
  peek(): string | undefined {
    if (this.#tail !== undefined) return undefined;
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]?.toString('utf8') ?? '';
  }

  /** Whether the last byte so far, white space aside, may end a message. */
  get mayBeComplete(): boolean {
    const last = this.#chunks.at(-1);
    if (this.#tail !== undefined || last === undefined) return false;
    return /[}\]]\s*$/.test(last.toString('latin1', Math.max(0, last.length - 16)));
  }

  /** Ends the line where it is. */
  flush(): void {
    if (this.#size > 0) this.#endLine();
  }

  /** Forgets the line that is not over yet. */
  clear(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#tail = undefined;
  }

  #add(part: Buffer): void {
    this.#size += part.length;
    if (this.#tail !== undefined) {
      this.#tail = Buffer.concat([this.#tail, part.subarray(-EXCERPT_BYTES)]).subarray(-EXCERPT_BYTES);
      return;
    }
    this.#chunks.push(part);
    if (this.#size <= this.#options.maxBytes) return;
    const head = Buffer.concat(this.#chunks.slice(0, EXCERPT_BYTES), EXCERPT_BYTES);
    this.#tail = Buffer.from(part.subarray(-EXCERPT_BYTES));
    this.#chunks = [];
    this.#options.onTooLarge(head.toString('utf8'));
  }

  #endLine(): void {
    const tail = this.#tail;
    if (tail !== undefined) {
      this.clear();
      this.#options.onDropped(tail.toString('utf8'));
      return;
    }
    // Before the text is made of it: only one copy of a large line is held at a time.
    const whole = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.clear();
    this.#options.onLine(whole?.toString('utf8') ?? '');
  }
}
