import { BEGINNING, EDITING, MACHINE, MACHINE_NOUNS, MAKING, STARTING, WORK_NOUNS } from '../lexicon.js';
import type { Veto } from './evidence.js';
import { isPersistent, type ToolFacts } from './tool-facts.js';

/** What is known of two tools, for what speaks against them. */
export interface Suspects {
  readonly start: ToolFacts;
  readonly status: ToolFacts;
  /** What the handle is the handle of. */
  readonly handleNouns: readonly string[];
  /** Whether one tool names the other. */
  readonly isNamed: boolean;
  readonly facts: readonly ToolFacts[];
}

/** Each keeps a proposal from ever being used by itself, whatever speaks for it. */
export const PROPOSAL_VETOES: readonly Veto<Suspects>[] = [
  {
    name: 'record',
    holds: ({ start }) => start.records && !isOfMachine(start.nouns),
    says: () => 'what it makes is a record',
  },
  { name: 'lasting', holds: isAboutWhatLasts, says: () => 'it may be about what lasts for days' },
  { name: 'edited', holds: isEdited, says: () => 'people edit what it makes' },
  {
    name: 'begun-by-another',
    holds: isBegunByAnother,
    says: () => 'another tool begins what it makes',
  },
  {
    name: 'lookup',
    holds: ({ start }) => start.looksUp && !start.worksLater,
    says: () => 'it only looks something up',
  },
];

/** Whether a machine works on what is started: a verb that only machines do, a noun of work, or a description that says so. */
export function isMachineWork({ words, nouns, verb, worksLater }: ToolFacts): boolean {
  if (worksLater) return true;
  const isOfWork = nouns.some(noun => WORK_NOUNS.has(noun));
  return isOfWork || (words.some(word => MACHINE.has(word)) && !(verb !== undefined && STARTING.has(verb)));
}

function isAboutWhatLasts({ start, status, handleNouns, isNamed }: Suspects): boolean {
  // Handles of work may have any name: `poll_model_status(subscription_key)`, `get_research_status(session_id)`.
  const isOneWork = start.nouns.some(
    noun => status.nouns.includes(noun) && MACHINE.has(noun) && WORK_NOUNS.has(noun),
  );
  const isPlainWork =
    (isNamed || isOneWork) && status.tellsState && start.words.some(word => MACHINE.has(word));
  if (isPlainWork && !isPersistent(start.nouns)) return false;
  const about = handleNouns.length > 0 ? handleNouns : status.nouns;
  return isPersistent(about) && !isOfMachine(about);
}

/** Whether the last noun is of what only machines have: `dag_run`, `message_batch`. */
function isOfMachine(nouns: readonly string[]): boolean {
  return MACHINE_NOUNS.has(nouns.at(-1) ?? '');
}

/** Whether a tool updates or assigns the same thing: then it is no job. */
function isEdited({ start, status, handleNouns, isNamed, facts }: Suspects): boolean {
  if (isNamed || isOfMachine(handleNouns)) return false;
  const about = new Set([...handleNouns, ...start.nouns.filter(noun => status.nouns.includes(noun))]);
  return facts.some(
    ({ words, nouns }) =>
      EDITING.has(words[0] ?? '') && nouns.length > 0 && nouns.length <= 2 && about.has(nouns.at(-1) ?? ''),
  );
}

/** `create_job` beside `run_job(job_id)`: until somebody calls that, nothing goes on. */
function isBegunByAnother({ start, status, handleNouns, facts }: Suspects): boolean {
  if (!MAKING.has(start.words[0] ?? '')) return false;
  const about = handleNouns.length > 0 ? handleNouns : status.nouns;
  const handles = status.needed.filter(name => !Object.hasOwn(start.tool.inputSchema.properties ?? {}, name));
  return facts.some(
    ({ tool, words, nouns, needed }) =>
      tool.name !== start.tool.name &&
      BEGINNING.has(words[0] ?? '') &&
      needed.length > 0 &&
      needed.every(name => handles.includes(name)) &&
      (nouns.length === 0 || nouns.some(noun => about.includes(noun) || start.nouns.includes(noun))),
  );
}
