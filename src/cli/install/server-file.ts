import { isDeepStrictEqual } from 'node:util';
import { parse, patch } from '@decimalturn/toml-patch';
import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import { isRecord } from '../../protocols/tool-result.js';
import { parseCommentedJson } from '../../storage/commented-json.js';
import { UsageError } from '../exit-code.js';
import type { HostFile } from './host-files.js';
import type { Entry } from './wrap-entry.js';

/** One server of a host's file. */
export interface ServerEntry {
  readonly name: string;
  /** Keys from the top of the file. */
  readonly path: readonly string[];
  readonly entry: unknown;
}

/** An entry as it is to be. */
export interface EntryChange {
  readonly path: readonly string[];
  readonly before: Entry;
  readonly after: Entry;
}

type Format = HostFile['format'];

/**
 * The servers in the text of a host's file.
 * @param keys the objects that have the servers
 * @throws UsageError when it cannot be read; it repeats nothing of the text
 */
export function serversIn(
  text: string,
  {
    format,
    keys,
    file,
  }: { readonly format: Format; readonly keys: readonly (readonly string[])[]; readonly file: string },
): readonly ServerEntry[] {
  const whole = contentOf(text, format, file);
  return keys.flatMap(path => {
    const servers = path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), whole);
    return isRecord(servers)
      ? Object.entries(servers).map(([name, entry]) => ({ name, path: [...path, name], entry }))
      : [];
  });
}

function contentOf(text: string, format: Format, file: string): unknown {
  if (text.trim() === '') return {};
  try {
    return format === 'toml' ? parse(text) : parseCommentedJson(text);
  } catch (cause) {
    // The reader of TOML shows the line, which may hold a secret.
    const [, line] = /\((\d+), ?\d+\)|line (\d+)/i.exec((cause as Error).message) ?? [];
    const why =
      format === 'json' ? `: ${(cause as Error).message}` : line === undefined ? '' : `, at line ${line}`;
    throw new UsageError(
      `The file ${file} is no valid ${format.toUpperCase()}${why}. Mend it first; nothing was changed.`,
    );
  }
}

/** The text with other entries; what is no part of a change stays as it is, comments too. */
export function withEntries(text: string, changes: readonly EntryChange[], format: Format): string {
  return format === 'toml' ? tomlWith(text, changes) : changes.reduce(jsonWith, text);
}

function tomlWith(text: string, changes: readonly EntryChange[]): string {
  const whole = parse(text) as Record<string, unknown>;
  for (const { path, after } of changes) put(whole, path, after);
  return patch(text, whole);
}

function put(whole: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: Entry): void {
  if (rest.length === 0) whole[key] = value;
  else put(whole[key] as Record<string, unknown>, rest, value);
}

function jsonWith(text: string, { path, before, after }: EntryChange): string {
  const formattingOptions = formatOf(text);
  const set = (into: string, keys: readonly (string | number)[], value: unknown, isArrayInsertion = false) =>
    applyEdits(into, modify(into, [...keys], value, { formattingOptions, isArrayInsertion }));
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .filter(name => !isDeepStrictEqual(before[name], after[name]))
    .reduce((changed, name) => {
      const added = addedBefore(before[name], after[name]);
      return added === undefined
        ? set(changed, [...path, name], after[name])
        : added.reduceRight<string>((each, word) => set(each, [...path, name, 0], word, true), changed);
    }, text);
}

/** What stands before the items of a list that it had already: those may have comments. */
function addedBefore(before: unknown, after: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length === 0) return undefined;
  const added = after.length - before.length;
  return added > 0 && isDeepStrictEqual(after.slice(added), before) ? after.slice(0, added) : undefined;
}

function formatOf(text: string) {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 4 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}

/** The text with the entries at some paths as another text has them, each as it is written there. */
export function withOriginals(
  text: string,
  original: string,
  { paths, format }: { readonly paths: readonly (readonly string[])[]; readonly format: Format },
): string {
  if (format === 'toml') {
    const source = parse(original);
    const at = (path: readonly string[]) =>
      path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), source);
    return tomlWith(
      text,
      paths.map(path => ({ path, before: {}, after: at(path) as Entry })),
    );
  }
  const source = parseTree(original, [], { allowTrailingComma: true });
  return paths.reduce((changed, path) => {
    const tree = parseTree(changed, [], { allowTrailingComma: true });
    const [node, old] = [tree, source].map(each => each && findNodeAtLocation(each, [...path]));
    if (node === undefined || old === undefined) return changed;
    const written = original.slice(old.offset, old.offset + old.length);
    return changed.slice(0, node.offset) + written + changed.slice(node.offset + node.length);
  }, text);
}
