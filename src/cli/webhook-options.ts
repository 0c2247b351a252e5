import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Settings } from '../server/config/config-schema.js';
import { parseTokenFile } from '../server/http/principals.js';
import type { WebhookOptions } from '../server/index.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

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
      : await readSecrets(secretFile, io);
  const isAskedFor = secret !== undefined || allowedHosts !== undefined || allowPrivate || allowHttp;
  return isAskedFor ? { secret, allowedHosts, allowPrivate, allowHttp } : undefined;
}

async function readSecrets(file: string, io: CommandIo): Promise<string> {
  const text = await readFile(resolve(io.cwd(), file), 'utf8').catch(cause => {
    throw new UsageError(`The file of --webhook-secret-file cannot be read: ${cause.message}`, { cause });
  });
  const secrets = parseTokenFile(text);
  if (secrets.length === 0) throw new UsageError('The file of --webhook-secret-file holds no secret.');
  return secrets.join(' ');
}
