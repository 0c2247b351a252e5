import type { CommandIo } from '../io.js';
import { findSettingsFile, type SettingsFlag } from './find-file.js';
import { type TransportFlags, transportOf } from './transport-flags.js';

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
