import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import {
  CHANGING,
  ENDING,
  GENERIC,
  IDS,
  LOOKUP,
  MACHINE,
  PERSISTENT,
  READING,
  RECORDING,
  STATE,
  singular,
  WORK_HANDLES,
} from '../lexicon.js';
import { wordsOf } from '../pair/usual-places.js';
import { soleValue } from '../tool-definition.js';
import { isRecord } from '../tool-result.js';

/** Phrases of descriptions of tools whose work goes on after the answer. */
const WORK_GOES_ON: readonly RegExp[] = [
  /\basync(hronous(ly)?)?\b/i,
  /in the background|background (job|task|process)/i,
  /异步|后台|非同期|バックグラウンド|im hintergrund|asynchron|segundo plano|asíncron/i,
  /returns? (immediately|right away|at once)/i,
  /\breturns? (an?|the|its) ([\w-]{1,30} ){0,2}(id|identifier|handle)\b/i,
  /\b(job|task|run|request|execution|operation|prediction|generation|research|crawl|export|query)[ _-]?id\b/i,
  /\bpoll|long[- ]running/i,
  /takes? (a while|several|a few|up to|\d{1,4}) ?/i,
  /(check|track|monitor|get|query) (the |its )?(status|progress)/i,
  /until (it|the \w{1,30}) (is|has|completes?|finish)/i,
  /\b(starts?|triggers?|launch(es)?|submits?|kicks? off|queues?|initiates?|schedules?) (an? |the )?([\w-]{1,30} ){0,2}(job|task|run|export|build|training|crawl|research|generation|render|deployment|execution|transcription|scan|workflow|pipeline)/i,
];

const SPEAKS_OF_STATE: readonly RegExp[] = [
  /\b(status|progress|state) (of|for|and)\b/i,
  /\bstatus\b|\bpoll|\bprogress\b|current state/i,
  /(is|has) (complete|finish|done)|wait(s|ing)? (for|until)/i,
];

/** Longer descriptions end in examples. */
const MAX_DESCRIPTION = 4000;
const MAX_ARGUMENTS = 50;

/** One of the things that a tool of several actions does. */
export interface Action {
  /** The argument that chooses. */
  readonly argument: string;
  readonly value: string;
}

export interface ToolFacts {
  readonly tool: Tool;
  /** Which action of the tool, where the facts are of one action alone. */
  readonly action?: Action;
  /** The words of its name, without those that all tools of the server begin with. */
  readonly words: readonly string[];
  /** The words that say what it is about, in the singular. */
  readonly nouns: readonly string[];
  /** In lower case. */
  readonly description: string;
  /** The words of the description and of its arguments' descriptions, names of tools among them. */
  readonly mentions: ReadonlySet<string>;
  /** The first verb of its name. */
  readonly verb: string | undefined;
  /** Whether it says that its work goes on after the answer. */
  readonly worksLater: boolean;
  readonly speaksOfState: boolean;
  /** Arguments without which it cannot be called. */
  readonly needed: readonly string[];
  /** Whether it may be asked for a state: it only looks. */
  readonly onlyLooks: boolean;
  /** Whether it may start something that is to be waited for. */
  readonly mayStart: boolean;
  /** Whether its name is that of what is answered at once. */
  readonly looksUp: boolean;
  readonly tellsState: boolean;
  /** Whether it records something or tells somebody, so that the server has no work to do. */
  readonly records: boolean;
}

/** What names, schemas and hints of tools tell. */
export function factsOf(tools: readonly Tool[]): readonly ToolFacts[] {
  const prefix = commonPrefix(tools.map(({ name }) => wordsOf(name)));
  return tools.map(tool => factsOfTool(tool, wordsOf(tool.name).slice(prefix)));
}

/** @param words of its name, without those that all tools of the server begin with */
export function factsOfTool(tool: Tool, words: readonly string[]): ToolFacts {
  const { readOnlyHint, destructiveHint } = tool.annotations ?? {};
  const verb = words.find(word => CHANGING.has(word) || READING.has(word));
  // `test_run_progress` tells a progress, `set_progress` sets one.
  const isNameOfState =
    STATE.has(words.at(-1) ?? '') && !CHANGING.has(words[0] ?? '') && !words.some(word => ENDING.has(word));
  const changes = verb !== undefined && !READING.has(verb) && !isNameOfState && !isQueryOfWork(words);
  const isOther = (word: string) => GENERIC.has(word) || STATE.has(word) || READING.has(word);
  const nouns = words.filter(word => !isOther(word) && !(CHANGING.has(word) && word === verb)).map(singular);
  const refuses = destructiveHint === true ? readOnlyHint !== true : readOnlyHint === false;
  const description = (tool.description ?? '').slice(0, MAX_DESCRIPTION).toLowerCase();
  const worksLater = WORK_GOES_ON.some(phrase => phrase.test(description));
  const looksUp = !changes && words.some(word => LOOKUP.has(word));
  return {
    tool,
    words,
    worksLater,
    speaksOfState: SPEAKS_OF_STATE.some(phrase => phrase.test(description)),
    needed: neededArguments(tool),
    nouns,
    description,
    mentions: mentionsIn(tool, description),
    verb: words.find(word => CHANGING.has(word) || READING.has(word) || MACHINE.has(word)),
    onlyLooks: !changes && !refuses,
    mayStart: changes ? !ENDING.has(verb) : verb === undefined && !isNameOfState && (!looksUp || worksLater),
    looksUp,
    tellsState: words.some(word => STATE.has(word)),
    records: verb !== undefined && RECORDING.has(verb),
  };
}

/** `query_render_task` asks about a task, and renders nothing. */
function isQueryOfWork(words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const isOther = words.some(word => word === 'and' || ENDING.has(word)) || CHANGING.has(last);
  return words[0] === 'query' && WORK_HANDLES.has(last) && !isOther;
}

function mentionsIn({ inputSchema }: Tool, description: string): ReadonlySet<string> {
  const schemas = Object.values(inputSchema.properties ?? {}).slice(0, MAX_ARGUMENTS);
  const texts = [
    description,
    ...schemas.map(schema => argumentDescription(schema).slice(0, 500).toLowerCase()),
  ];
  return new Set(texts.flatMap(text => text.match(/[\w-]{2,100}/g) ?? []));
}

/** Some servers mark nothing as required. */
function neededArguments({ inputSchema }: Tool): readonly string[] {
  const { properties = {}, required } = inputSchema;
  const all = Object.keys(properties);
  if (required !== undefined && required.length > 0)
    return required.filter(name => soleValue(properties[name]) === undefined);
  return all.length === 1 ? all : all.filter(name => isHandleArgument(name, properties[name]));
}

/** How many words all names begin with: the server's own name. */
function commonPrefix(names: readonly (readonly string[])[]): number {
  const [first = []] = names;
  if (names.length < 3) return 0;
  let count = 0;
  while (
    count < first.length - 1 &&
    names.every(words => words.length > count + 1 && words[count] === first[count])
  )
    count++;
  return count;
}

/** Whether one of the words is the name of what lasts, or is kept running. */
export function isPersistent(words: readonly string[]): boolean {
  return words.some(word => PERSISTENT.has(singular(word)));
}

/** Whether an argument takes the handle of work, by its name. */
export function isWorkHandle(name: string): boolean {
  return wordsOf(name).some(word => WORK_HANDLES.has(word));
}

/** Whether an argument can take a handle. */
export function isHandleArgument(name: string, schema: unknown): boolean {
  const words = wordsOf(name);
  const types = isRecord(schema) ? [schema.type ?? []].flat() : [];
  const isScalar =
    types.length === 0 || types.some(type => ['string', 'number', 'integer'].includes(String(type)));
  const last = words.at(-1) ?? '';
  return (
    isScalar &&
    (IDS.has(last) ||
      (words.length === 1 && WORK_HANDLES.has(last)) ||
      (/[a-z]id$/.test(last) && WORK_HANDLES.has(last.slice(0, -2))))
  );
}

/** The text of an argument's schema. */
export function argumentDescription(schema: unknown): string {
  return isRecord(schema) && typeof schema.description === 'string' ? schema.description : '';
}
