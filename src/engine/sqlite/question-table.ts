import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import {
  type AskedQuestion,
  answer,
  ask,
  hasNews,
  type InputResponse,
  type Question,
  type Questions,
  take,
  waitsUntil,
} from '../question.js';
import { RunOverError } from '../run-questions.js';
import { readQuestions } from './task-row.js';
import type { Run, TaskStatements } from './task-statements.js';

/** The questions of tasks and their answers. Call what changes them in a transaction. */
export class QuestionTable {
  readonly #statements: TaskStatements;
  readonly #clock: Clock;

  constructor(statements: TaskStatements, clock: Clock) {
    this.#statements = statements;
    this.#clock = clock;
  }

  /** @throws RunOverError */
  ask(run: Run, asked: AskedQuestion): Question {
    const { questions, timeoutMs } = this.#ofRun(run);
    const asking = { key: randomUUID(), now: this.#clock.now(), timeoutMs };
    return only(this.#store(run.taskRef, questions, ask(questions, asked, asking))[asked.place]);
  }

  /** @throws RunOverError */
  find(run: Run, key: string): Question | undefined {
    return this.#ofRun(run).questions.find(question => question.key === key);
  }

  /** @throws RunOverError */
  take(run: Run, key: string): Question {
    const { questions } = this.#ofRun(run);
    const taken = this.#store(run.taskRef, questions, take(questions, key, this.#clock.now()));
    return only(taken.find(question => question.key === key));
  }

  answer(taskRef: string, responses: Readonly<Record<string, InputResponse>>): void {
    const now = this.#clock.now();
    const row = this.#statements.questions({ taskRef, now });
    if (row === undefined) return;
    const questions = readQuestions(row);
    this.#store(taskRef, questions, answer(questions, responses, now));
  }

  /** The tasks of a worker with answers that they have not seen. */
  withNews(worker: string): readonly string[] {
    return this.#statements.withNews({ worker }).map(row => row.task_ref);
  }

  #ofRun(run: Run): { readonly questions: Questions; readonly timeoutMs: number } {
    const row = this.#statements.questionsOfRun(run);
    if (row === undefined) throw new RunOverError('The task has ended otherwise.');
    return { questions: readQuestions(row), timeoutMs: row.input_timeout_ms };
  }

  #store(taskRef: string, before: Questions, questions: Questions): Questions {
    if (questions === before) return questions;
    this.#statements.setQuestions({
      taskRef,
      questions: JSON.stringify(questions),
      waitsUntil: waitsUntil(questions) ?? null,
      hasNews: hasNews(questions) ? 1 : 0,
      now: this.#clock.now(),
    });
    return questions;
  }
}

function only(question: Question | undefined): Question {
  if (question === undefined) throw new RunOverError('The question belongs to a run that is over.');
  return question;
}
