import type { Settings } from '../server/config/config-schema.js';
import type { WebhookOptions } from '../server/index.js';
import type { CommandIo } from './io.js';
import { readSecretFile } from './secret-file.js';

/**
 * What the settings and the environment say of webhooks; undefined when nothing.
 * @throws UsageError when the file of the secret cannot be read or is empty
 */
export async function webhookOptions(
  { secretFile, allowedHosts, allowPrivate, allowHttp }: Settings['webhooks'],
  io: CommandIo,
): Promise<WebhookOptions | undefined> {
  const secret =
    secretFile === undefined
      ? io.env.MCP_AWAIT_WEBHOOK_SECRET || undefined
      : (await readSecretFile(secretFile, 'webhook secret', io)).join(' ');
  const isAskedFor = secret !== undefined || allowedHosts !== undefined || allowPrivate || allowHttp;
  return isAskedFor ? { secret, allowedHosts, allowPrivate, allowHttp } : undefined;
}
