import { z } from 'zod';
import type { OptionNames } from '../../unknown-option.js';
import { checkOption, type Resolved } from '../option-check.js';

/** How a server is connected to. The entry of an `mcpServers` file may say so, too; options and flags beat it. */
export interface ConnectionOptions {
  /**
   * Longest silence until the server has answered `initialize`, in milliseconds. A command that writes to its standard error
   * or output is not silent, for ten minutes at the longest (or `connectTimeoutMs`, where that is more). @default 60000
   */
  readonly connectTimeoutMs?: number | undefined;
  /** Whether a server is asked first if it speaks MCP without sessions (2026-07-28). @default true */
  readonly discover?: boolean | undefined;
  /**
   * Largest message that is taken from a server, in bytes after decompression. A larger answer fails its call with a
   * `ProtocolViolationError`. @default 134217728
   */
  readonly maxAnswerBytes?: number | undefined;
}

export const connectionOptionNames: OptionNames<ConnectionOptions> = {
  connectTimeoutMs: true,
  discover: true,
  maxAnswerBytes: true,
};

const DEFAULT_CONNECT_TIMEOUT_MS = 60_000;
/** A result of 5 MB travels twice, as text and structured, and escaped. */
export const DEFAULT_MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** What an entry of an `mcpServers` file may say of it. */
export const connectionShape = {
  connectTimeoutMs: z.number().positive().optional(),
  discover: z.boolean().optional(),
  maxAnswerBytes: z.int().positive().optional(),
};

/** @throws ConfigurationError when one is not usable */
export function resolveConnection(
  options: ConnectionOptions,
  entry: ConnectionOptions,
): Resolved<ConnectionOptions> {
  const connectTimeoutMs = options.connectTimeoutMs ?? entry.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  const discover = options.discover ?? entry.discover ?? true;
  const maxAnswerBytes = options.maxAnswerBytes ?? entry.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
  checkOption('connectTimeoutMs', connectTimeoutMs, 'a positive number');
  checkOption('discover', discover, 'true or false');
  checkOption('maxAnswerBytes', maxAnswerBytes, 'a positive integer');
  return { connectTimeoutMs, discover, maxAnswerBytes };
}
