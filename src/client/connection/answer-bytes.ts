import { constants } from 'node:buffer';

/** From this size on the bytes lie in one block. */
const MIN_BLOCK_BYTES = 1024 * 1024;
/** The block grows by as much at a time. */
const STEP_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of one message while it arrives. A large one is copied into one block, which is given back to the operating
 * system as soon as its text is made: the garbage collector would keep several copies for a while.
 */
export class AnswerBytes {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #block: ArrayBuffer | undefined;
  #size = 0;

  /** @param maxBytes how many bytes there will be, usually */
  constructor(maxBytes: number) {
    this.#maxBytes = Math.min(maxBytes, constants.MAX_STRING_LENGTH);
  }

  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    const end = this.#size + chunk.byteLength;
    if (end < MIN_BLOCK_BYTES) this.#chunks.push(chunk);
    else copyTo(this.#blockFor(end), chunk, this.#size);
    this.#size = end;
  }

  /** All bytes; valid until another method is called. */
  bytes(): Buffer {
    if (this.#block !== undefined) return Buffer.from(this.#block, 0, this.#size);
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return asBuffer(this.#chunks[0]);
  }

  /** The last bytes, at least one where there are any; valid until another method is called. */
  last(count: number): Buffer {
    const last = this.#block === undefined ? asBuffer(this.#chunks.at(-1)) : this.bytes();
    return last.subarray(-count);
  }

  /** The text of all bytes, which are forgotten. */
  take(): string {
    const bytes = this.bytes();
    // Before the text is made: only one copy of many chunks is held at a time.
    this.#chunks = [];
    const text = bytes.toString('utf8');
    this.clear();
    return text;
  }

  clear(): void {
    this.#block?.resize(0);
    this.#block = undefined;
    this.#chunks = [];
    this.#size = 0;
  }

  #blockFor(end: number): ArrayBuffer {
    const before = this.#block;
    if (before === undefined || end > before.maxByteLength) {
      this.#block = new ArrayBuffer(0, { maxByteLength: Math.max(this.#maxBytes, 2 * end) });
      copyTo(this.#block, this.#all(before), 0);
      this.#chunks = [];
      before?.resize(0);
    }
    return this.#block as ArrayBuffer;
  }

  #all(block: ArrayBuffer | undefined): Buffer {
    return block === undefined ? Buffer.concat(this.#chunks) : Buffer.from(block, 0, this.#size);
  }
}

function copyTo(block: ArrayBuffer, chunk: Uint8Array, at: number): void {
  const end = at + chunk.byteLength;
  if (end > block.byteLength) block.resize(Math.min(end + STEP_BYTES, block.maxByteLength));
  new Uint8Array(block, at, chunk.byteLength).set(chunk);
}

function asBuffer(chunk: Uint8Array | undefined): Buffer {
  return chunk === undefined
    ? Buffer.alloc(0)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
