import type { Writable } from 'node:stream';
import type { CommandIo } from './io.js';
import { canDraw, inSigns } from './terminal.js';

/** Verbs that first find a server, of which a person sees nothing while their code is loaded. */
const VERBS = ['run', 'wait', 'status', 'cancel', 'tools', 'pairs'];
const ERASE_LINE = '\r\u001b[K';

/**
 * Says on a terminal that a command has begun, until something else is written there. The cursor stays to be seen: what ends
 * the process meanwhile need not bring it back.
 * @returns what takes the line away where nothing has been written
 */
export function showStart(words: readonly string[], io: CommandIo): () => void {
  if (!VERBS.includes(words[0] ?? '') || words.includes('--quiet') || !canDraw(io)) return () => {};
  const { stderr, stdout } = io;
  stderr.write(inSigns('starting…', io.env));
  const streams: readonly Writable[] = stdout.isTTY === true ? [stderr, stdout] : [stderr];
  const writes = streams.map(stream => stream.write);
  let isShown = true;
  const erase = () => {
    if (!isShown) return;
    isShown = false;
    for (const [index, stream] of streams.entries()) stream.write = writes[index] as Writable['write'];
    stderr.write(ERASE_LINE);
  };
  for (const stream of streams)
    stream.write = (...chunk: unknown[]) => {
      erase();
      return Reflect.apply(stream.write, stream, chunk);
    };
  return erase;
}
