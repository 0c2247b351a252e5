import type { z } from 'zod';
import { excerpt } from './excerpt.js';

/** What could be read of a foreign value. */
export interface Tolerant<Output> {
  /** Undefined where the value has not what the schema requires. */
  readonly data: Output | undefined;
  /** What had to be left out, for a person; null counts as absent and is not told. */
  readonly problems: readonly string[];
}

/** Each round leaves something out; a value that needs more is refused. */
const MAX_ROUNDS = 50;

/** Reads a foreign value without the parts that do not fit the schema, where it does not require them. */
export function readTolerantly<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Tolerant<z.output<Schema>> {
  const problems: string[] = [];
  let rest = value;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { success, data, error } = schema.safeParse(rest);
    if (success) return { data, problems };
    // The last item of a list first: what comes before it keeps its index.
    for (const { path, message } of [...error.issues].reverse()) {
      const found = at(rest, path);
      if (found !== null) problems.push(excerpt(`${path.join('.')}: ${message}`));
      const left = found === undefined ? path.slice(0, -1) : path;
      if (left.length === 0) return { data: undefined, problems };
      rest = without(rest, left);
    }
  }
  return { data: undefined, problems };
}

type Path = readonly PropertyKey[];

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isContainer(inner) && Object.hasOwn(inner, key) ? inner[key as never] : undefined),
    value,
  );
}

function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || !isContainer(value) || !Object.hasOwn(value, key)) return value;
  if (Array.isArray(value)) {
    const index = Number(key);
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, without(value[index], rest));
  }
  if (rest.length > 0) return { ...value, [key]: without(value[key as never], rest) };
  const { [key as never]: _left, ...others } = value;
  return others;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
