import { isRecord } from '../tool-result.js';
import { type AnswerData, follow, valueAt } from './answer-data.js';
import type { ArgumentSources } from './profile.js';

export type Arguments = Readonly<Record<string, unknown>>;

export interface ArgumentGivers {
  /** Of the start call. */
  readonly call?: Arguments | undefined;
  readonly answer?: AnswerData | undefined;
}

/** The values of arguments, by their paths; one that has none is left out. */
export function collectArguments(sources: ArgumentSources | undefined, givers: ArgumentGivers): Arguments {
  const entries = Object.entries(sources ?? {}).map(([path, source]) => {
    if ('value' in source) return [path, source.value] as const;
    if ('call' in source) return [path, follow(givers.call, source.call.split('.'))[0]] as const;
    return [path, givers.answer && valueAt(givers.answer, source.answer)] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Values by their paths, as the arguments of a call: `params.jobId` is within `params`. The first that says a value counts. */
export function argumentsOf(...layers: readonly (Arguments | false | undefined)[]): Record<string, unknown> {
  const built: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [path, value] of Object.entries(layer || {})) put(built, path.split('.'), value);
  }
  return built;
}

function put(into: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  if (key === undefined) return;
  if (rest.length === 0) {
    if (!Object.hasOwn(into, key)) into[key] = value;
    return;
  }
  const inner = Object.hasOwn(into, key) ? into[key] : {};
  if (!isRecord(inner)) return;
  // Never into an object of the caller's.
  const copy = { ...inner };
  into[key] = copy;
  put(copy, rest, value);
}
