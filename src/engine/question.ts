import { isDeepStrictEqual } from 'node:util';

/** A question to a person, as MCP asks it (specification 2025-11-25, client/elicitation, form mode). */
export interface InputRequest {
  readonly method: 'elicitation/create';
  readonly params: {
    readonly mode?: 'form' | undefined;
    readonly message: string;
    readonly requestedSchema: RequestedSchema;
  };
}

/** JSON Schema of a flat object: what an answer that accepts must look like. */
export interface RequestedSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[] | undefined;
  readonly [keyword: string]: unknown;
}

/** What a person answered. */
export interface InputResponse {
  readonly action: 'accept' | 'decline' | 'cancel';
  /** Set when accepted. */
  readonly content?: Readonly<Record<string, unknown>> | undefined;
}

/** Answers to questions, by their keys. */
export type Responses = Readonly<Record<string, InputResponse>>;

/** A question that a run asks, and its place among all that it asks, from 0: what names it when the run is repeated. */
export interface OpenQuestion {
  readonly place: number;
  readonly request: InputRequest;
}

/** A question of a task as it is stored. Times are milliseconds since the epoch. */
export interface Question {
  /** Names it to those who answer; no other question of the task ever had it. */
  readonly key: string;
  readonly request: InputRequest;
  readonly askedAt: number;
  /** How long the run waits for an answer, and how long a run that waits may be lost for nothing. */
  readonly until: number;
  readonly answer?: InputResponse | undefined;
  /** When the run went on: with the answer, or without one because the time was over. */
  readonly takenAt?: number | undefined;
}

/** All questions of a task in the order in which they are asked. */
export type Questions = readonly Question[];

export interface Asking {
  /** Of a question that is new. */
  readonly key: string;
  readonly now: number;
  /** How long a task may wait for answers in all. */
  readonly timeoutMs: number;
}

/** An answer that has come may be taken for so long by a run that has to come back first. */
const TAKE_WITHIN_MS = 3_600_000;

/**
 * The questions once a run has asked another. One that was asked at its place before, word for word, is the same
 * question; any other takes its place, and those behind it were of a run that went another way.
 */
export function ask(questions: Questions, { place, request }: OpenQuestion, asking: Asking): Questions {
  const known = questions[place];
  if (known !== undefined && isDeepStrictEqual(known.request, request)) return questions;
  const { key, now, timeoutMs } = asking;
  const earlier = questions.slice(0, place);
  const waited = waitedMs(
    earlier.map(question => ({ ...question, takenAt: question.takenAt ?? now })),
    0,
  );
  return [...earlier, { key, request, askedAt: now, until: now + Math.max(0, timeoutMs - waited) }];
}

/** The questions with answers to those that have none; the same list where nothing was answered. */
export function answer(questions: Questions, responses: Responses, now: number): Questions {
  const answerable = (question: Question) => isOpen(question) && Object.hasOwn(responses, question.key);
  if (!questions.some(answerable)) return questions;
  return questions.map(question =>
    answerable(question)
      ? {
          ...question,
          answer: responses[question.key],
          until: Math.max(question.until, now + TAKE_WITHIN_MS),
        }
      : question,
  );
}

/** The questions once the run has gone on from one of them. */
export function take(questions: Questions, key: string, now: number): Questions {
  return questions.map(question =>
    question.key === key && question.takenAt === undefined ? { ...question, takenAt: now } : question,
  );
}

/** The questions that wait for an answer, by key; undefined when there are none. */
export function openRequests(questions: Questions): Readonly<Record<string, InputRequest>> | undefined {
  const open = questions.filter(isOpen);
  return open.length === 0 ? undefined : Object.fromEntries(open.map(({ key, request }) => [key, request]));
}

/** Until when a run may be lost for nothing because it waits; undefined when it does not wait. */
export function waitsUntil(questions: Questions): number | undefined {
  const untils = questions.filter(({ takenAt }) => takenAt === undefined).map(({ until }) => until);
  return untils.length === 0 ? undefined : Math.max(...untils);
}

/** For how long a run that began at `since` has waited for answers by now; questions asked at the same time count once. */
export function waitedMs(questions: Questions, since: number): number {
  let waited = 0;
  let end = since;
  for (const { askedAt, takenAt = askedAt } of questions) {
    waited += Math.max(0, takenAt - Math.max(askedAt, end));
    end = Math.max(end, takenAt);
  }
  return waited;
}

/** Whether there is an answer that the run has not taken. */
export function hasChanges(questions: Questions): boolean {
  return questions.some(({ answer, takenAt }) => answer !== undefined && takenAt === undefined);
}

function isOpen({ answer, takenAt }: Question): boolean {
  return answer === undefined && takenAt === undefined;
}
