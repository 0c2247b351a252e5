import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { wordsOf } from '../pair/usual-places.js';
import { isRecord } from '../tool-result.js';
import { saysState, saysWorkGoesOn } from './phrases.js';

const list = (words: string) => new Set(words.split(' '));

/** A tool that begins with one of these changes something: it is never asked for a state. */
const CHANGING = list(
  'abort accept add answer append apply approve archive assign authorize begin book build buy call cancel capture charge clear click clone close comment commit complete configure confirm connect convert copy create deactivate decline delete deny deploy destroy disable dismiss drop edit enable end execute export extend feedback fill fix force fork generate give grant import insert install interact invite invoke issue kill launch like lock log login make mark merge modify move mute navigate new open operate order patch pause pay perform pin place post press provision publish purge push put queue reboot record refresh refund register reject release reload remove rename render reopen replace reply rerun reserve reset resize restart restore resume retry revoke rollback rotate run save schedule send set share shutdown sign start stop store submit subscribe suspend sync tag terminate train transfer trigger turn type unlock unpin unsubscribe update upgrade upload upsert vote write',
);

/** A tool that begins with one of these only looks. Others, such as `query` and `scan`, may look or may start. */
const READING = list(
  'await browse check count describe detail details diff download explain fetch find follow get head info inspect list look lookup monitor peek ping poll preview read resolve retrieve see show stat status summarize tail tell track view wait watch',
);

/** Names of what is looked up at once, where no verb says otherwise. */
const LOOKUP = list('search query history lookup log logs list');

/** What a tool does that starts nothing that could be waited for, whatever else it changes. */
const ENDING = list(
  'abort cancel clear close delete destroy disable drop edit kill mark move patch pin remove rename revoke set stop terminate unpin update',
);

const RECORDING = list(
  'add answer append apply assign book buy comment draft feedback grant insert invite like log note open order pay pin post publish put record register reply reserve save schedule sell send share sign store subscribe tag transfer vote write',
);

const STATE = list('status state progress check poll wait await result results');

/** Names of what a person or the world moves on, in days, and of what is kept running: not of work that comes to an end. */
const LASTING = list(
  'account alert app application appointment approval auction basket bid board booking bot branch browser call campaign candidate card cart case charge checkout claim cluster comment complaint connection contact container contest contract cron cursor customer daemon database db deal delivery device dispute document domain email employee endpoint environment estimate event feed folder form forward group incident instance invitation invite invoice issue lead licence license listener loan machine meeting member membership merge message monitor mortgage note notebook notification opportunity order organization page participant payment payout permission permit person pod policy position post project pull purchase quote record referral refund reminder repository reservation review role rule sandbox schedule server service session shipment sms sprint story stream subscription survey tab team thread ticket timer todo trade transaction trial tunnel user visa vm vote watcher webhook workspace workstation',
);

/** What comes later is examples. */
const MOST_DESCRIPTION = 4000;

const GENERIC = list(
  'a all an and api async by for from id in info mcp of on or sync the to tool v1 v2 with',
);

export interface ToolFacts {
  readonly tool: Tool;
  /** The words of its name, without those that all tools of the server begin with. */
  readonly words: readonly string[];
  /** The words that say what it is about, in the singular. */
  readonly nouns: readonly string[];
  /** In lower case. */
  readonly description: string;
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
  /** Whether it puts something somewhere, or tells somebody: what comes of that is no work of the server's. */
  readonly records: boolean;
}

/** What names, schemas and hints of tools tell. */
export function factsOf(tools: readonly Tool[]): readonly ToolFacts[] {
  const prefix = commonPrefix(tools.map(({ name }) => wordsOf(name)));
  return tools.map(tool => factsOfTool(tool, wordsOf(tool.name).slice(prefix)));
}

function factsOfTool(tool: Tool, words: readonly string[]): ToolFacts {
  const { readOnlyHint, destructiveHint } = tool.annotations ?? {};
  const verb = words.find(word => CHANGING.has(word) || READING.has(word));
  // Of `test_run_progress` the progress is meant, of `set_progress` the setting.
  const isNameOfState =
    STATE.has(words.at(-1) ?? '') && !CHANGING.has(words[0] ?? '') && !words.some(word => ENDING.has(word));
  const changes = verb !== undefined && !READING.has(verb) && !isNameOfState;
  const nouns = words
    .filter(
      word =>
        !GENERIC.has(word) &&
        !STATE.has(word) &&
        !(CHANGING.has(word) && word === verb) &&
        !READING.has(word),
    )
    .map(singular);
  const refuses = destructiveHint === true ? readOnlyHint !== true : readOnlyHint === false;
  const description = (tool.description ?? '').slice(0, MOST_DESCRIPTION).toLowerCase();
  const worksLater = saysWorkGoesOn(description);
  const looksUp = !changes && words.some(word => LOOKUP.has(word));
  return {
    tool,
    words,
    worksLater,
    speaksOfState: saysState(description),
    needed: neededArguments(tool),
    nouns,
    description,
    onlyLooks: !changes && !refuses,
    mayStart: changes ? !ENDING.has(verb) : verb === undefined && !isNameOfState && (!looksUp || worksLater),
    looksUp,
    tellsState: words.some(word => STATE.has(word)),
    records: verb !== undefined && RECORDING.has(verb),
  };
}

/** Some servers mark nothing as required. */
function neededArguments({ inputSchema }: Tool): readonly string[] {
  const { properties = {}, required } = inputSchema;
  const all = Object.keys(properties);
  return required ?? (all.length === 1 ? all : all.filter(name => isHandleArgument(name, properties[name])));
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
export function isLasting(words: readonly string[]): boolean {
  return words.some(word => LASTING.has(singular(word)));
}

/** Whether an argument takes the handle of work, by its name. */
export function isWorkHandle(name: string): boolean {
  return wordsOf(name).some(word => WORK.has(word));
}

export function singular(word: string): string {
  if (/(ss|us|is)$/.test(word) || word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

const IDS = list('id ids uuid guid ref reference handle token pid arn ticket');
const WORK = list('job task run execution operation request prediction process generation');

/** An argument that can take a handle. */
export function isHandleArgument(name: string, schema: unknown): boolean {
  const words = wordsOf(name);
  const types = isRecord(schema) ? [schema.type ?? []].flat() : [];
  const isScalar =
    types.length === 0 || types.some(type => ['string', 'number', 'integer'].includes(String(type)));
  const last = words.at(-1) ?? '';
  return (
    isScalar &&
    (IDS.has(last) ||
      (words.length === 1 && WORK.has(last)) ||
      (/[a-z]id$/.test(last) && WORK.has(last.slice(0, -2))))
  );
}

/** The text of an argument's schema. */
export function argumentDescription(schema: unknown): string {
  return isRecord(schema) && typeof schema.description === 'string' ? schema.description : '';
}
