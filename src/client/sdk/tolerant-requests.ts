import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { z } from 'zod';
import { ProtocolViolationError } from '../../errors.js';
import { anyResult } from '../../protocols/native-task.js';
import { messageOf } from '../faults/failure.js';
import { ListPages } from './list-pages.js';
import { readInParts } from './readable-answers.js';

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
