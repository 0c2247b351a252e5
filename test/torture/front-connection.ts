import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { atMost } from '../../src/time/at-most.js';

export interface Front {
  readonly name: string;
  readonly url: string;
}

export interface ToolAnswer {
  readonly front: string;
  /** When the request was sent, and when its answer came, in milliseconds since the epoch. */
  readonly askedAt: number;
  readonly at: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answers of three tools
  readonly data: any;
}

/** A long poll, and the ten seconds that a front waits for its store. */
const ANSWER_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5000;

interface Connected {
  readonly client: Client;
  /** Rejects when the connection has failed: a stream that breaks off answers no request any more. */
  readonly lost: Promise<never>;
}

/** One caller's connection to one front, which is made anew after it was lost. */
export class FrontConnection {
  readonly #front: Front;
  #connected: Promise<Connected> | undefined;

  constructor(front: Front) {
    this.#front = front;
  }

  /** @throws when there is no answer; the request may have been served nevertheless */
  async call(name: string, args: Record<string, unknown>): Promise<ToolAnswer> {
    try {
      this.#connected ??= connect(this.#front.url);
      const { client, lost } = await this.#connected;
      const askedAt = Date.now();
      const answer = client.callTool({ name, arguments: args }, undefined, { timeout: ANSWER_TIMEOUT_MS });
      const { structuredContent, content } = (await Promise.race([answer, lost])) as CallToolResult;
      if (structuredContent === undefined) throw new Error(`An odd answer: ${JSON.stringify(content)}`);
      return { front: this.#front.name, askedAt, at: Date.now(), data: structuredContent };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.then(
      ({ client }) => client.close(),
      () => {},
    );
  }
}

async function connect(url: string): Promise<Connected> {
  const client = new Client({ name: 'torture', version: '1' });
  const lost = new Promise<never>((_, reject) => {
    client.onerror = reject;
    client.onclose = () => reject(new Error('The connection was closed.'));
  });
  lost.catch(() => {});
  const transport = new StreamableHTTPClientTransport(new URL(url));
  try {
    await atMost(Promise.race([client.connect(transport as Transport), lost]), CONNECT_TIMEOUT_MS);
  } catch (error) {
    await client.close();
    throw error;
  }
  return { client, lost };
}
