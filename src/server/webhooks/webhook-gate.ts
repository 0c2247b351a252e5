import { ToolFailure } from '../tool-failure.js';
import type { Deliveries } from './deliveries.js';
import { destinationRefusal } from './destination.js';
import type { WebhookSettings } from './webhook-options.js';

/** What the front of a server needs of webhooks. */
export interface WebhookGate {
  /** Whether this server takes webhooks at all. */
  readonly isOpen: boolean;
  /** The URL as it is kept with the task. @throws ToolFailure `WEBHOOK_REFUSED` */
  accept(url: string): string;
  /** To be called before a task is ended from here. */
  readonly announce: Deliveries['announce'];
}

export function createWebhookGate(
  settings: WebhookSettings | undefined,
  { announce }: Pick<Deliveries, 'announce'>,
): WebhookGate {
  return {
    isOpen: settings !== undefined,
    accept(url) {
      if (settings === undefined) {
        throw refused(
          'this server has no webhooks. Its operator turns them on with a secret to sign with: --webhook-secret-file or MCP_AWAIT_WEBHOOK_SECRET',
        );
      }
      const refusal = destinationRefusal(url, settings.policy);
      if (refusal !== undefined) throw refused(refusal);
      return new URL(url).href;
    },
    announce,
  };
}

function refused(reason: string): ToolFailure {
  return new ToolFailure(
    'WEBHOOK_REFUSED',
    `The \`webhook_url\` was refused and nothing was started: ${reason}.`,
  );
}
