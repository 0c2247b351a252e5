import { readFile } from 'node:fs/promises';

/** What editors save: UTF-8, with a byte order mark or without, and UTF-16 with one. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/** A text in the encoding of the bytes that it was read from. */
export function encodeTextLike(text: string, bytes: Uint8Array): Uint8Array {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return Buffer.from(`\ufeff${text}`, 'utf16le');
  if (first === 0xfe && second === 0xff) return Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
  const hasMark = first === 0xef && second === 0xbb && third === 0xbf;
  return Buffer.from(hasMark ? `\ufeff${text}` : text);
}

/** Why a file that is named cannot be read, and what to do about it. */
export function unreadableReason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is none (${code}). Check its path.`;
    case 'EISDIR':
      return `it is a folder (${code}). Name a file.`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not read it (${code}). Check its permissions.`;
    default:
      return `${message}.`;
  }
}

/** @throws the file system's error */
export async function readTextFile(file: string): Promise<string> {
  return decodeText(await readFile(file));
}
