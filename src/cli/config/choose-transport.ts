import { type TransportFlags, transportOf } from '../given-flags.js';
import type { CommandIo } from '../io.js';
import { findSettingsFile, type SettingsFlag } from './find-file.js';

/** Which transport `serve` is to speak; reads the settings only where they may have a say. */
export async function chooseTransport(
  flags: TransportFlags & SettingsFlag,
  io: CommandIo,
): Promise<'http' | 'stdio'> {
  const chosen = transportOf(flags);
  if (chosen !== undefined) return chosen;
  const mayBeSaid = io.env.MCP_AWAIT_SERVER_TRANSPORT || findSettingsFile(flags, io);
  if (!mayBeSaid) return 'stdio';
  const { loadSettings } = await import('./load-settings.js');
  return (await loadSettings(flags, io)).settings.server.transport;
}

const READ_BY_PROGRAM = /^(--http|--settings(=.*)?|--help|-h)$/s;

/**
 * Whether a command line starts a server on the standard streams, as far as that can be told without reading its flags:
 * the server behind the relay reads them.
 */
export function isPlainlyStdio([verb, ...flags]: readonly string[], io: CommandIo): boolean {
  if (flags.some(flag => READ_BY_PROGRAM.test(flag))) return false;
  if (verb === 'proxy' || flags.includes('--stdio')) return true;
  return !io.env.MCP_AWAIT_SERVER_TRANSPORT && findSettingsFile({}, io) === undefined;
}
