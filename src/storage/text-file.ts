import { readFile } from 'node:fs/promises';

/** What editors save: UTF-8, with a byte order mark or without, and UTF-16 with one. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/** @throws the file system's error */
export async function readTextFile(file: string): Promise<string> {
  return decodeText(await readFile(file));
}
