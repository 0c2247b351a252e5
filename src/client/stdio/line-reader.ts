import { AnswerBytes } from '../connection/answer-bytes.js';

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
  readonly #line: AnswerBytes;
  /** Bytes of a line that is too large, and the last of them; undefined of any other. */
  #dropped: { size: number; tail: Buffer } | undefined;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.#line = new AnswerBytes(options.maxBytes);
  }

  /** Bytes of the line that is not over yet. */
  get pendingBytes(): number {
    return this.#dropped?.size ?? this.#line.size;
  }

  /** The line that is not over yet, as bytes; valid until another method is called. */
  get pending(): Buffer {
    return this.#line.bytes();
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
    return this.#dropped === undefined ? this.#line.bytes().toString('utf8') : undefined;
  }

  /** Whether the last byte so far, white space aside, may end a message. */
  get mayBeComplete(): boolean {
    return this.#dropped === undefined && /[}\]]\s*$/.test(this.#line.last(16).toString('latin1'));
  }

  /** Ends the line where it is. */
  flush(): void {
    if (this.pendingBytes > 0) this.#endLine();
  }

  /** Forgets the line that is not over yet. */
  clear(): void {
    this.#line.clear();
    this.#dropped = undefined;
  }

  #add(part: Buffer): void {
    const size = this.pendingBytes + part.length;
    if (this.#dropped !== undefined) {
      const tail = Buffer.concat([this.#dropped.tail, part.subarray(-EXCERPT_BYTES)]);
      this.#dropped = { size, tail: tail.subarray(-EXCERPT_BYTES) };
      return;
    }
    if (size <= this.#options.maxBytes) {
      this.#line.add(part);
      return;
    }
    const begun = this.#line.bytes().subarray(0, EXCERPT_BYTES);
    const head = Buffer.concat([begun, part.subarray(0, EXCERPT_BYTES - begun.length)]).toString('utf8');
    this.#line.clear();
    this.#dropped = { size, tail: Buffer.from(part.subarray(-EXCERPT_BYTES)) };
    this.#options.onTooLarge(head);
  }

  #endLine(): void {
    const dropped = this.#dropped;
    if (dropped === undefined) {
      this.#options.onLine(this.#line.take());
      return;
    }
    this.clear();
    this.#options.onDropped(dropped.tail.toString('utf8'));
  }
}
