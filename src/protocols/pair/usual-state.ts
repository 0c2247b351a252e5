import { isEndStatus, type TaskStatus } from '../../types.js';
import { excerpt } from '../excerpt.js';
import { WORK_HANDLES, WORK_NOUNS } from '../lexicon.js';
import type { AnswerData } from './answer-data.js';
import { answerFactsOf, bringsResult, dataFacts } from './answer-facts.js';
import { labelFacts } from './labels.js';
import { shareIn, shareOfFacts } from './progress-facts.js';
import { stateInSentences } from './sentences.js';
import type { Fact, Subject } from './subject.js';
import { fold, isNumbered, lettersOf, meaningOf } from './words.js';

/** What an answer says of a task. */
export interface State {
  readonly status: TaskStatus;
  /** A word that is not known; the task then counts as running. */
  readonly unknownWord?: string;
  /** The server's own word. */
  readonly word?: string;
  /** Whether the word may be that of the request: `"status": "success"`, with nothing more. */
  readonly isOfRequest?: boolean;
  /** Whether only the end is told, and not how it came out. */
  readonly isEndAlone?: boolean;
  /** Whether it only says that there is no end. */
  readonly isWeak?: boolean;
  /** Whether a sentence tells it: an end is then believed when it is told twice. */
  readonly isSentence?: boolean;
}

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Keys that a word of a state stands under; another word before them must say of what. */
const STATE_KEYS = list(
  'status statuses state states phase conclusion outcome readystate estado zustand statut stato',
);
const WHOLE_KEYS = list('result verdict stage lifecycle');
/** What may stand around such a key without making it the state of something else. */
const NEUTRAL = list(
  'list current overall final latest last my the raw text name label word description desc str string value code life cycle ready processing process is has type humanized label display result completion',
);

/** Keys under which a state that is an object has its word. */
const WORD_KEYS = list('name value code label');

/** Four kinds of flags. The end alone is no success, and a failure counts whatever stands beside it. */
const FLAGS = {
  going: list(
    'running pending processing building queued executing going active busy waiting inprogress ongoing working',
  ),
  ended: list('done finished ended complete completed terminal finalized closed'),
  good: list('succeeded successful succeed'),
  failed: list('failed error errored crashed failure timedout'),
};

/** Nouns of what is made, and not of the work on it. */
const MADE = list('deployment video image model audio asset dataset index export report avatar voice clip');

/** Keys that say how work has ended. */
const OUTCOME = list('result conclusion outcome verdict exit exitstatus');
/** The text of a process's end, as Proxmox has it; any other is the reason of a failure. */
const EXIT_STATUS = 'exitstatus';
const GOOD_EXIT = /^(ok|success|0|warnings\b)/i;
/** Words that say only that it has. */
export const MERE_END = /^(terminated|stopped|exited|ended|closed)$/i;

const MESSAGE = list('message msg detail details text info note description summary');
const REQUEST_WORD = /^(success|ok|true|successful)$/i;
const WORD = /^[A-Za-z][A-Za-z _-]{0,60}$/;

export interface UsualReading {
  readonly subject: Subject;
  /** The server's own words. */
  readonly own: Readonly<Record<string, TaskStatus>>;
}

/** The state that an answer tells in usual ways, when nobody has told where it is; undefined when it tells none. */
export function usualState(data: AnswerData, reading: UsualReading): State | undefined {
  const { subject } = reading;
  const bySource = dataFacts(data, subject).map(facts => stateOfSource(facts, reading));
  const inData = bySource.find(state => state !== undefined);
  if (inData !== undefined && inData.isOfRequest !== true) return completedBy(inData, data);
  const inLabels = stateOfFacts(labelFacts(data.prose), reading);
  if (inLabels !== undefined) return completedBy(inLabels, data);
  const said = stateInSentences(textsOf(data, subject), subject);
  if (said !== undefined && (inData === undefined || said === 'working'))
    return { status: said, isSentence: true };
  return inData;
}

/** What an object of progress says counts where nothing outside says it: `{"progress": {"status": "running"}}`. */
function stateOfSource(facts: readonly Fact[], reading: UsualReading): State | undefined {
  const outer = facts.filter(({ within }) => !within.includes('progress'));
  const state = stateOfFacts(outer, reading);
  if (outer.length === facts.length || (state !== undefined && state.isOfRequest !== true)) return state;
  return stateOfFacts(facts, reading) ?? state;
}

/** The end alone is no success: it takes something that came of the work, and parts (`request_counts`) that have not all failed. */
function completedBy(state: State, data: AnswerData): State {
  if (state.isEndAlone !== true) return state;
  const facts = answerFactsOf(data, undefined, true);
  const counts = facts.filter(({ within }) => /counts?$/i.test(within.at(-1) ?? ''));
  const has = (key: string) => counts.some(({ words, value }) => words.join() === key && Number(value) > 0);
  if (!has('succeeded') && (has('errored') || has('failed'))) return { status: 'failed' };
  return has('succeeded') || bringsResult(data) || shareIn(data) === 1 ? { status: state.status } : state;
}

/** Words and flags that disagree: what goes on counts, then the failure; a flag knows what an unknown word does not. */
function stateOfFacts(facts: readonly Fact[], reading: UsualReading): State | undefined {
  const stated = statedIn(facts, reading.subject);
  const told = withoutMereEnd(withoutEnvelope(stated)).flatMap(fact => wordState(fact, reading) ?? []);
  const word = joint(told.filter(({ isOfRequest }) => isOfRequest !== true));
  const flag = stateOfFlags(facts);
  if (flag?.status === 'working' && flag.isWeak !== true) return flag;
  if (word?.unknownWord !== undefined)
    return flag === undefined || flag.isEndAlone || flag.isWeak ? word : flag;
  if (word?.status === 'working' || word?.status === 'input_required') return word;
  if (word?.status === 'failed' || flag?.status === 'failed') return { ...word, status: 'failed' };
  if (flag?.isWeak === true && word?.status !== 'cancelled') return { status: 'working' };
  if (word !== undefined) return word;
  const request = told[0];
  if (flag !== undefined) return request?.status === 'completed' ? { ...flag, isEndAlone: false } : flag;
  const share = shareOfFacts(facts);
  if (share !== undefined && share < 1) return { status: 'working' };
  if (request !== undefined) return request;
  if (isTimed(facts)) return { status: 'working' };
  return stated.some(({ value }) => value === null) ? { status: 'working', isWeak: true } : undefined;
}

/** Work that is timed, and has no time of its end yet. */
function isTimed(facts: readonly Fact[]): boolean {
  const isOpen = facts.some(
    ({ key, value }) => value === null && /^(completed|finished|ended|end)_?(at|time|date)$/i.test(key),
  );
  return (
    isOpen && facts.some(({ key }) => /^(started|queued|submitted|start)_?(at|time)$|^elapsed/i.test(key))
  );
}

/** What is said within the work itself counts before a word of the whole answer that nobody knows. */
function withoutEnvelope(stated: readonly Fact[]): readonly Fact[] {
  const isInner = ({ within }: Fact) => within.some(key => WORK_NOUNS.has(key.toLowerCase()));
  if (!stated.some(fact => isInner(fact) && typeof fact.value === 'string')) return stated;
  return stated.filter(
    fact =>
      isInner(fact) || (typeof fact.value === 'string' && meaningOf(fact.value, { own: {} }) !== undefined),
  );
}

/** Where one key says that the work has stopped, and another how it went, the second counts: `TERMINATED` beside `SUCCESS`. */
function withoutMereEnd(stated: readonly Fact[]): readonly Fact[] {
  const saysHow = ({ words, value }: Fact) =>
    words.some(word => OUTCOME.has(word)) &&
    typeof value === 'string' &&
    (words.join('') === EXIT_STATUS || isEndStatus(meaningOf(value, { own: {} }) ?? 'working'));
  if (!stated.some(saysHow)) return stated;
  return stated.filter(
    fact => saysHow(fact) || typeof fact.value !== 'string' || !MERE_END.test(fact.value.trim()),
  );
}

/** What stands under keys of states; where there is no word, the words within a state that is an object. */
function statedIn(facts: readonly Fact[], subject: Subject): readonly Fact[] {
  const stated = facts.filter(fact => isStateKey(fact, subject));
  const named = stated.filter(({ words }) => words.at(-1) !== 'progress');
  const found = [named, stated].find(each => each.some(({ value }) => typeof value === 'string'));
  if (found !== undefined) return found;
  const inner = facts.flatMap(fact => wordOfObject(fact) ?? []);
  return inner.length > 0 ? inner : stated;
}

/** `{"state": {"name": "COMPLETED", "result": {"name": "FAILED"}}}` has a word of the state and one of its result. */
function wordOfObject(fact: Fact): Fact | undefined {
  const { key, within } = fact;
  const holder = within.at(-1)?.toLowerCase() ?? '';
  const isHeld = STATE_KEYS.has(holder) || WHOLE_KEYS.has(holder);
  return isHeld && WORD_KEYS.has(key.toLowerCase()) && within.some(each => STATE_KEYS.has(each.toLowerCase()))
    ? { ...fact, key: holder, words: [holder] }
    : undefined;
}

/** `status`, `job_status` and `processingState`, but not `http_status` or `assignee_status`; `"progress": "RUNNING"`. */
function isStateKey({ key, words, value }: Fact, { nouns }: Subject): boolean {
  if (words.join('') === EXIT_STATUS) return true;
  if (words.at(-1) === 'progress' && typeof value === 'string')
    return meaningOf(value, { own: {} }) !== undefined;
  if (WHOLE_KEYS.has(key.toLowerCase())) return true;
  if (!words.some(word => STATE_KEYS.has(word)) || words.length > 4) return false;
  return words.every(
    word => STATE_KEYS.has(word) || NEUTRAL.has(word) || WORK_NOUNS.has(word) || nouns.includes(word),
  );
}

function wordState({ key, words, value }: Fact, { own, subject }: UsualReading): State | undefined {
  const isState =
    typeof value === 'string' || (typeof value === 'number' && isNumbered(own) && !WHOLE_KEYS.has(key));
  if (!isState) return undefined;
  const word = String(value).slice(0, 200).trim();
  if (words.join('') === EXIT_STATUS)
    return word === ''
      ? undefined
      : { status: GOOD_EXIT.test(word) ? 'completed' : 'failed', word: excerpt(word) };
  if (words.length === 1 && words[0] === 'status' && REQUEST_WORD.test(word))
    return { status: 'completed', word, isOfRequest: true };
  const status = meaningOf(word, { key, own }) ?? meaningOf(lettersOf(word), { key, own });
  if (status === undefined && fold(word) === 'ended') return { status: 'completed', word, isEndAlone: true };
  if (status === undefined && fold(lettersOf(word)) === 'ready' && isMade(subject))
    return { status: 'completed', word: excerpt(word) };
  if (status !== undefined) return { status, word: excerpt(word) };
  // A description is a sentence; only under the key itself a word that nobody knows is one.
  if (
    WHOLE_KEYS.has(key.toLowerCase()) ||
    words.some(each => ['text', 'description', 'desc', 'str', 'code', 'type'].includes(each))
  )
    return undefined;
  if (!WORD.test(word) && word.length >= 40) return undefined;
  return { status: 'working', unknownWord: excerpt(word), isWeak: words.includes('phase') };
}

/** A deployment that is ready is made; a run that is ready has not begun. */
function isMade({ nouns }: Subject): boolean {
  return nouns.some(noun => MADE.has(noun)) && !nouns.some(noun => WORK_HANDLES.has(noun));
}

/** Words that disagree: what goes on counts, then what is not known but the name of a phase, then the failure. */
function joint(states: readonly State[]): State | undefined {
  const known = (status: TaskStatus) =>
    states.find(each => each.unknownWord === undefined && each.status === status);
  return (
    known('working') ??
    known('input_required') ??
    states.find(({ unknownWord, isWeak }) => unknownWord !== undefined && isWeak !== true) ??
    known('failed') ??
    known('cancelled') ??
    known('completed') ??
    states[0]
  );
}

function stateOfFlags(facts: readonly Fact[]): State | undefined {
  const flags = facts.flatMap(({ words, value }) => {
    const kind = typeof value === 'boolean' ? flagOf(words) : undefined;
    return kind === undefined ? [] : [{ kind, value }];
  });
  const has = (kind: keyof typeof FLAGS, value: boolean) =>
    flags.some(flag => flag.kind === kind && flag.value === value);
  if (has('going', true)) return { status: 'working' };
  if (has('failed', true)) return { status: 'failed' };
  if (has('good', true) && !has('ended', false)) return { status: 'completed' };
  if (has('ended', true))
    return has('good', false) ? { status: 'failed' } : { status: 'completed', isEndAlone: true };
  return has('ended', false) ? { status: 'working', isWeak: true } : undefined;
}

function flagOf(words: readonly string[]): keyof typeof FLAGS | undefined {
  // `success` alone is that of the request.
  if (words.join('_') === 'is_success') return 'good';
  const own = words.filter(
    word => !['is', 'has', 'was', 'job', 'task', 'run', 'in', 'progress', 'still'].includes(word),
  );
  const whole =
    words.join('') === 'inprogress' || words.join('') === 'isinprogress' ? 'inprogress' : own.join('_');
  return (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).find(kind => FLAGS[kind].has(whole));
}

/** Sentences of an answer: its prose, and messages in its data. */
function textsOf(data: AnswerData, subject: Subject): string {
  const messages = dataFacts(data, subject)
    .flat()
    .flatMap(({ words, value }) =>
      typeof value === 'string' && words.length <= 2 && MESSAGE.has(words.at(-1) ?? '') ? [value] : [],
    );
  return [data.prose, ...messages].join('\n');
}
