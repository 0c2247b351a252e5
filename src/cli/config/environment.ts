import { nearestName } from '../../server/config/problems.js';
import { type Setting, settingList } from '../../server/config/setting-list.js';
import type { CommandIo } from '../io.js';
import { FILE_VARIABLE } from './find-file.js';
import { checkedLayer, type Layer } from './layer.js';

/** Ours, but no settings: the state folder, this file, a secret, and the line from a relay. */
const OTHERS = ['MCP_AWAIT_HOME', FILE_VARIABLE, 'MCP_AWAIT_WEBHOOK_SECRET', 'MCP_AWAIT_LINE'];

const KNOWN: readonly string[] = [...settingList.map(({ variable }) => variable), ...OTHERS];

/** What the environment says. An empty variable says nothing. */
export function environmentLayer(env: CommandIo['env']): Layer {
  return checkedLayer(
    setting => valueFrom(setting, env[setting.variable] ?? ''),
    setting => setting.variable,
  );
}

/** A line for each variable that looks like one of ours and is none. */
export function unknownVariables(env: CommandIo['env']): readonly string[] {
  return Object.keys(env)
    .filter(name => name.startsWith('MCP_AWAIT_') && !KNOWN.includes(name))
    .map(name => {
      const meant = nearestName(name, KNOWN);
      return `The environment variable ${name} means nothing${meant === undefined ? '.' : `; did you mean ${meant}?`}`;
    });
}

/** What cannot be read as the form is left as text, for the schema to refuse. */
function valueFrom({ form }: Setting, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  switch (form) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      return { true: true, '1': true, false: false, '0': false }[trimmed] ?? text;
    case 'list':
      return trimmed.startsWith('[') ? parsedList(trimmed) : trimmed.split(',').map(each => each.trim());
    case 'text':
      return text;
  }
}

function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
