import type { Prompt, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { AwaitClient } from '../client/await-client.js';
import { readInParts } from '../client/sdk/readable-answers.js';
import { excerpt } from '../protocols/excerpt.js';
import { anyResult } from '../protocols/native-task.js';
import { atMost, TimeLimitError } from '../time/at-most.js';
import { hostTool } from './host-tool.js';
import { HostNames, type Named, type RefusedName } from './names.js';
import { AWAIT_TOOL } from './still-running.js';
import type { Upstream } from './upstream.js';

/** An upstream that is slower than this is left out of a list until it answers; what it said last stands in. */
const LIST_WITHIN_MS = 20_000;
/** How long everything else waits for an upstream that was not there at first. */
const SOON_MS = 500;
/** What one server may have of each; more than any real server has, and one has nothing of another's. */
const MAX_ITEMS = { tools: 2000, prompts: 2000, resources: 10_000, resourceTemplates: 10_000 };

const MAX_NOTICES = 50;

type Json = Record<string, unknown>;

/** A tool or a prompt of an upstream, by the name that the host knows. */
export type Route = Named<Upstream>;

/** What a host is shown, and where requests about it go. */
interface Offered<Item> {
  readonly route: Route;
  readonly definition: Item;
}

export interface UpstreamsListener {
  /** A line for the operator. */
  readonly onNotice: (line: string) => void;
  /** Told that a list has come which was too late for the answer that it was for. */
  readonly onLateList?: (list: keyof typeof MAX_ITEMS) => void;
}

/** All that the upstreams of one host offer, as one server would. */
export class Upstreams {
  readonly all: readonly Upstream[];
  /** What each upstream said last, by list. */
  readonly #said = new Map<string, readonly Json[]>();
  /** Lists that take longer than a host waits. */
  readonly #late = new Map<string, Promise<readonly Json[]>>();
  readonly #listener: UpstreamsListener;
  readonly #noticed = new Set<string>();
  readonly #toolNames: HostNames<Upstream>;
  readonly #promptNames: HostNames<Upstream>;
  #isSettled = false;
  #tools: ReadonlyMap<string, Offered<Tool>> | undefined;

  constructor(all: readonly Upstream[], listener: UpstreamsListener) {
    this.all = all;
    this.#listener = listener;
    const onRefused = ({ owner, name, givenInstead }: RefusedName) =>
      this.#notice(
        `The server ${owner} offers \`${excerpt(name)}\`, a name by which hosts know what is another server's: it is shown as \`${givenInstead}\`.`,
      );
    this.#toolNames = new HostNames(all, { reserved: [AWAIT_TOOL], onRefused });
    this.#promptNames = new HostNames(all, { onRefused });
  }

  /** The tools by the names that the host knows. */
  async tools(): Promise<ReadonlyMap<string, Offered<Tool>>> {
    const offered = await this.#each('tools', async client => {
      const tools = await client.explainTools();
      return tools.filter(({ hidden }) => !hidden).map(({ definition }) => definition as unknown as Json);
    });
    this.#tools = this.#named<Tool>(offered, this.#toolNames, hostTool);
    return this.#tools;
  }

  /** The tool that a call names; undefined where nobody offers it. */
  async knownTool(name: string): Promise<Offered<Tool> | undefined> {
    const known = this.#tools;
    const now = this.tools();
    // One slow upstream must not hold up all calls.
    const tools = await (known === undefined ? now : atMost(now, SOON_MS).catch(() => known));
    return tools.get(name) ?? tools.get(this.#toolNames.fullForm(name) ?? '');
  }

  async prompts(): Promise<ReadonlyMap<string, Offered<Prompt>>> {
    const offered = await this.#each('prompts', client =>
      listAll(cursor => client.listPrompts(cursor), 'prompts'),
    );
    return this.#named<Prompt>(offered, this.#promptNames, (prompt, name) => ({ ...prompt, name }));
  }

  /** Resources or their templates; of those that several upstreams have, the first one's. */
  async resources(method: 'resources/list' | 'resources/templates/list'): Promise<readonly Json[]> {
    const [list, key] =
      method === 'resources/list'
        ? (['resources', 'uri'] as const)
        : (['resourceTemplates', 'uriTemplate'] as const);
    const page = (client: AwaitClient): Page =>
      list === 'resources'
        ? cursor => client.listResources(cursor)
        : cursor => client.listResourceTemplates(cursor);
    const offered = await this.#each(list, client => listAll(page(client), list), 'resources');
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
    list: keyof typeof MAX_ITEMS,
    read: (client: AwaitClient) => Promise<readonly Json[]>,
    capability: 'tools' | 'prompts' | 'resources' = list as 'tools',
  ): Promise<readonly { readonly owner: Upstream; readonly item: Json }[]> {
    const lists = await Promise.all(
      this.all.map(async upstream => {
        const key = keyOf(upstream, list);
        try {
          await this.#read(key, upstream, async client => {
            // One that declares no tools may have some all the same.
            if (capability !== 'tools' && upstream.capabilities?.[capability] === undefined) return [];
            return this.#limited(await read(client), list, upstream);
          });
        } catch (error) {
          // It is looked for again all the time; meanwhile the others serve.
          if (error instanceof TimeLimitError)
            this.#late.get(key)?.then(
              () => this.#listener.onLateList?.(list),
              () => {},
            );
        }
        return (this.#said.get(key) ?? []).map(item => ({ owner: upstream, item }));
      }),
    );
    return lists.flat();
  }

  /** Waits for an upstream's list, and for one that was late before no longer than a call waits. @throws TimeLimitError */
  #read(
    key: string,
    upstream: Upstream,
    list: (client: AwaitClient) => Promise<readonly Json[]>,
  ): Promise<unknown> {
    const late = this.#late.get(key);
    if (late !== undefined) return atMost(late, SOON_MS);
    const isAway = this.#isSettled && upstream.connected === undefined;
    const reading = upstream.client().then(async client => {
      const items = await list(client);
      this.#said.set(key, items);
      return items;
    });
    return atMost(reading, isAway ? SOON_MS : LIST_WITHIN_MS).catch(error => {
      if (error instanceof TimeLimitError && !isAway) {
        this.#late.set(key, reading);
        const over = () => this.#late.delete(key);
        reading.then(over, over);
      }
      throw error;
    });
  }

  #limited(items: readonly Json[], list: keyof typeof MAX_ITEMS, { name }: Upstream): readonly Json[] {
    const max = MAX_ITEMS[list];
    if (items.length <= max) return items;
    this.#notice(`The server ${name} offers ${items.length} ${list}: the first ${max} are shown.`);
    return items.slice(0, max);
  }

  /** A server that renames what it has all the time does not fill the operator's log. */
  #notice(line: string): void {
    if (this.#noticed.size >= MAX_NOTICES || this.#noticed.has(line)) return;
    this.#noticed.add(line);
    this.#listener.onNotice(line);
  }

  #named<Item extends Tool | Prompt>(
    offered: readonly { readonly owner: Upstream; readonly item: Json }[],
    names: HostNames<Upstream>,
    shown: (item: Item, name: string) => Item,
  ): ReadonlyMap<string, Offered<Item>> {
    const items = new Map(offered.map(each => [keyOf(each.owner, String(each.item.name)), each.item]));
    const named = names.of(offered.map(({ owner, item }) => ({ owner, name: String(item.name) })));
    return new Map(
      [...named].map(([name, route]) => {
        const item = items.get(keyOf(route.owner, route.name)) as unknown as Item;
        return [name, { route, definition: shown(item, name) }];
      }),
    );
  }
}

/** A request of the host, sent on as it is. @throws the upstream's error */
export async function relay(
  client: AwaitClient,
  request: { readonly method: string; readonly params?: object | undefined },
  signal: AbortSignal,
): Promise<z.infer<typeof anyResult>> {
  const answer = await client.request(request as Parameters<AwaitClient['request']>[0], anyResult, {
    signal,
    timeout: 300_000,
    resetTimeoutOnProgress: true,
  });
  return readInParts(request.method, answer).answer;
}

type Page = (params: { readonly cursor?: string }) => Promise<Json>;

/** The client ends a list that does not end by itself. */
async function listAll(page: Page, list: keyof typeof MAX_ITEMS): Promise<readonly Json[]> {
  const items: Json[] = [];
  let cursor: string | undefined;
  do {
    const answer: Json = await page(cursor === undefined ? {} : { cursor });
    items.push(...(answer[list] as Json[]));
    cursor = answer.nextCursor as string | undefined;
  } while (cursor !== undefined && items.length <= MAX_ITEMS[list]);
  return items;
}

function keyOf({ name }: Upstream, what: string): string {
  return JSON.stringify([name, what]);
}
