import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { z } from 'zod';
import { ConfigurationError, ProtocolViolationError } from '../../errors.js';
import { anyResult } from '../../protocols/native-task.js';
import { messageOf } from '../faults/failure.js';
import { ListPages, readInParts } from './readable-answers.js';

/** Told what could not be read of an answer, as sentences for a person. */
export type ProblemListener = (method: string, problems: readonly string[]) => void;

type ClientRequest = Parameters<Client['request']>[0];
type Json = Readonly<Record<string, unknown>>;

export type TolerantRequests = ReturnType<typeof tolerantRequests>;

/** Requests of the SDK's client whose answers are read part by part, where the SDK takes all of an answer or nothing. */
export function tolerantRequests(client: Client, onProblems: ProblemListener) {
  async function ask(method: string, params: object | undefined, options: RequestOptions | undefined) {
    const request = { method, ...(params !== undefined && { params }) } as ClientRequest;
    const answer = await client.request(request, anyResult, options).catch(error => {
      throw readable(error, method);
    });
    const read = readInParts(method, answer);
    if (read.problems.length > 0) onProblems(method, read.problems);
    return read.answer;
  }

  function list(method: string, key: string, nameKey: string) {
    const pages = new ListPages();
    return async (params?: { readonly cursor?: string | undefined }, options?: RequestOptions) => {
      const { nextCursor, ...answer } = await ask(method, params, options);
      const names = (answer[key] as readonly Json[]).map(item => String(item[nameKey]));
      const next = pages.next(params?.cursor, names, nextCursor);
      return { ...answer, ...(next !== undefined && { nextCursor: next }) };
    };
  }

  const one = (method: string) => (params: object, options?: RequestOptions) => ask(method, params, options);
  return {
    complete: one('completion/complete'),
    getPrompt: one('prompts/get'),
    listPrompts: list('prompts/list', 'prompts', 'name'),
    listResources: list('resources/list', 'resources', 'uri'),
    listResourceTemplates: list('resources/templates/list', 'resourceTemplates', 'uriTemplate'),
    listTools: list('tools/list', 'tools', 'name'),
    ping: (options?: RequestOptions) => ask('ping', undefined, options),
    readResource: one('resources/read'),
    request: (...parameters: Parameters<Client['request']>) =>
      client.request(...parameters).catch(error => {
        throw readable(error, parameters[0].method);
      }),
    setLoggingLevel: (level: string, options?: RequestOptions) => ask('logging/setLevel', { level }, options),
    subscribeResource: one('resources/subscribe'),
    unsubscribeResource: one('resources/unsubscribe'),
  };
}

/** An answer that is not of its schema, as a sentence. */
function readable(error: unknown, method: string): unknown {
  if (!(error instanceof z.core.$ZodError)) return error;
  return new ProtocolViolationError(`The answer to \`${method}\` cannot be read: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Problems that one event tells of. */
const MAX_PROBLEMS = 100;

/** Tells of the same problems of a list once, and of a bounded number. */
export function toldOnce(tell: ProblemListener): ProblemListener {
  const told = new Map<string, string>();
  return (method, problems) => {
    const left = problems.length - MAX_PROBLEMS;
    const shown = left > 0 ? [...problems.slice(0, MAX_PROBLEMS), `There are ${left} more.`] : problems;
    const text = shown.join('\n');
    if (told.get(method) === text) return;
    told.set(method, text);
    tell(method, shown);
  };
}

/** Members of the SDK's `Client` that an agent framework uses and that `AwaitClient` hands on unchanged. */
const PASSED = [
  'assertCanSetRequestHandler',
  'getInstructions',
  'getServerCapabilities',
  'getServerVersion',
  'notification',
  'registerCapabilities',
  'removeNotificationHandler',
  'removeRequestHandler',
  'sendRootsListChanged',
  'setNotificationHandler',
  'setRequestHandler',
] as const satisfies readonly (keyof Client)[];

type Passed = Pick<Client, (typeof PASSED)[number] | 'transport' | 'onclose' | 'onerror'> &
  Pick<Client, Exclude<keyof TolerantRequests, 'listTools'>>;

/** A base class whose instances behave like `client` in the passed members, its requests made by `requests`. */
export const PassThrough = class {
  /** The wrapped client of @modelcontextprotocol/sdk. */
  readonly sdkClient: Client;

  constructor(client: Client, { listTools: _own, ...requests }: TolerantRequests) {
    if ('getProtocolEra' in client) {
      throw new ConfigurationError(
        'Expected a client of @modelcontextprotocol/sdk (version 1), got one of version 2, which cannot start tasks by its public interface; give `AwaitClient.connect` the URL or the command of the server instead.',
      );
    }
    this.sdkClient = client;
    for (const name of PASSED) Object.defineProperty(this, name, { value: client[name].bind(client) });
    for (const [name, value] of Object.entries(requests)) Object.defineProperty(this, name, { value });
    for (const name of ['transport', 'onclose', 'onerror'] as const) {
      Object.defineProperty(this, name, {
        get: () => client[name],
        set: value => Object.assign(client, { [name]: value }),
      });
    }
  }
} as unknown as new (
  client: Client,
  requests: TolerantRequests,
) => Passed & { readonly sdkClient: Client };
