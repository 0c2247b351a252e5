import type { Prompt, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { AwaitClient } from '../client/await-client.js';
import { anyResult } from '../protocols/native-task.js';
import { atMost } from '../time/at-most.js';
import { hostTool } from './host-tool.js';
import { type Named, namesForHost } from './names.js';
import { AWAIT_TOOL } from './still-running.js';
import type { Upstream } from './upstream.js';

/** An upstream that is slower than this is left out of a list until it answers; what it said last stands in. */
const LIST_WITHIN_MS = 20_000;
/** How long everything else waits for an upstream that was not there at first. */
const SOON_MS = 500;
/** More than any real server has. */
const MOST_PAGES = 1000;
const MOST_ITEMS = 10_000;

type Json = Record<string, unknown>;

/** A tool or a prompt of an upstream, by the name that the host knows. */
export type Route = Named<Upstream>;

/** What a host is shown, and where requests about it go. */
interface Offered<Item> {
  readonly route: Route;
  readonly definition: Item;
}

/** All that the upstreams of one host offer, as one server would. */
export class Upstreams {
  readonly all: readonly Upstream[];
  /** What each upstream said last, by list. */
  readonly #said = new Map<string, readonly Json[]>();
  #isSettled = false;
  #tools: ReadonlyMap<string, Offered<Tool>> | undefined;

  constructor(all: readonly Upstream[]) {
    this.all = all;
  }

  /** The tools by the names that the host knows. */
  async tools(): Promise<ReadonlyMap<string, Offered<Tool>>> {
    const offered = await this.#each('tools', async client => {
      const tools = await client.explainTools();
      return tools.filter(({ hidden }) => !hidden).map(({ definition }) => definition as unknown as Json);
    });
    this.#tools = this.#named<Tool>(offered, [AWAIT_TOOL], hostTool);
    return this.#tools;
  }

  /** The tools as they were listed last, where listing them again takes long: one slow upstream must not hold up all calls. */
  async knownTools(): Promise<ReadonlyMap<string, Offered<Tool>>> {
    const known = this.#tools;
    const now = this.tools();
    return known === undefined ? now : atMost(now, SOON_MS).catch(() => known);
  }

  async prompts(): Promise<ReadonlyMap<string, Offered<Prompt>>> {
    const offered = await this.#each('prompts', client => listAll(client, 'prompts/list', 'prompts'));
    return this.#named<Prompt>(offered, [], (prompt, name) => ({ ...prompt, name }));
  }

  /** Resources or their templates; of those that several upstreams have, the first one's. */
  async resources(method: 'resources/list' | 'resources/templates/list'): Promise<readonly Json[]> {
    const [list, key] =
      method === 'resources/list' ? ['resources', 'uri'] : ['resourceTemplates', 'uriTemplate'];
    const offered = await this.#each(list, client => listAll(client, method, list), 'resources');
    const byKey = new Map<unknown, Json>();
    for (const { item } of offered) if (!byKey.has(item[key])) byKey.set(item[key], item);
    return [...byKey.values()];
  }

  /** Those that may have a resource: first those that list it. */
  ownersOf(uri: unknown): readonly Upstream[] {
    const lists = (upstream: Upstream) =>
      this.#said.get(keyOf(upstream, 'resources'))?.some(item => item.uri === uri) === true ||
      this.#said.get(keyOf(upstream, 'resourceTemplates'))?.some(item => item.uriTemplate === uri) === true;
    const able = this.all.filter(({ capabilities }) => capabilities?.resources !== undefined);
    return [...able.filter(lists), ...able.filter(upstream => !lists(upstream))];
  }

  /** Waits until every upstream has answered or failed, at the longest `withinMs`. */
  async settle(withinMs: number): Promise<void> {
    const settled = Promise.allSettled(this.all.map(upstream => upstream.client()));
    await atMost(settled, withinMs).catch(() => {});
    this.#isSettled = true;
  }

  async #each(
    list: string,
    read: (client: AwaitClient) => Promise<readonly Json[]>,
    capability: 'tools' | 'prompts' | 'resources' = list as 'tools',
  ): Promise<readonly { readonly owner: Upstream; readonly item: Json }[]> {
    const lists = await Promise.all(
      this.all.map(async upstream => {
        const key = keyOf(upstream, list);
        try {
          const client = await atMost(upstream.client(), this.#isSettled ? SOON_MS : LIST_WITHIN_MS);
          const items =
            upstream.capabilities?.[capability] === undefined
              ? []
              : await atMost(read(client), LIST_WITHIN_MS);
          this.#said.set(key, items);
        } catch {
          // It is looked for again all the time; meanwhile the others serve.
        }
        return (this.#said.get(key) ?? []).map(item => ({ owner: upstream, item }));
      }),
    );
    return lists.flat().slice(0, MOST_ITEMS);
  }

  #named<Item extends Tool | Prompt>(
    offered: readonly { readonly owner: Upstream; readonly item: Json }[],
    reserved: readonly string[],
    shown: (item: Item, name: string) => Item,
  ): ReadonlyMap<string, Offered<Item>> {
    const items = new Map(offered.map(each => [keyOf(each.owner, String(each.item.name)), each.item]));
    const named = namesForHost(
      offered.map(({ owner, item }) => ({ owner, name: String(item.name) })),
      reserved,
    );
    return new Map(
      [...named].map(([name, route]) => {
        const item = items.get(keyOf(route.owner, route.name)) as unknown as Item;
        return [name, { route, definition: shown(item, name) }];
      }),
    );
  }
}

/** A request of the host, sent on as it is. @throws the upstream's error */
export function relay(
  client: AwaitClient,
  request: { readonly method: string; readonly params?: object | undefined },
  options: { readonly signal: AbortSignal; readonly onProgress?: (progress: object) => void },
): Promise<z.infer<typeof anyResult>> {
  return client.request(request as Parameters<AwaitClient['request']>[0], anyResult, {
    signal: options.signal,
    timeout: 300_000,
    resetTimeoutOnProgress: true,
    ...(options.onProgress && { onprogress: options.onProgress }),
  });
}

async function listAll(client: AwaitClient, method: string, list: string): Promise<readonly Json[]> {
  const items: Json[] = [];
  let cursor: unknown;
  for (let page = 0; page < MOST_PAGES && items.length < MOST_ITEMS; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const answer = await relay(client, { method, params }, { signal: new AbortController().signal });
    items.push(...(Array.isArray(answer[list]) ? (answer[list] as Json[]) : []));
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return items;
}

function keyOf({ name }: Upstream, what: string): string {
  return JSON.stringify([name, what]);
}
