import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import {
  answer,
  ask,
  hasChanges,
  type InputResponse,
  type OpenQuestion,
  openRequests,
  type Question,
  type Questions,
  take,
  waitedMs,
  waitsUntil,
} from '../question.js';
import { InvalidRecordError } from '../record-shape.js';
import { ofThisRun, RunOverError } from '../run-questions.js';
import { readQuestions } from '../stored-task.js';
import type { QuestionsRow, Run, TaskStatements } from './task-statements.js';

/** The questions of tasks and their answers. Call what changes them in a transaction. */
export class QuestionTable {
  readonly #statements: TaskStatements;
  readonly #clock: Clock;

  constructor(statements: TaskStatements, clock: Clock) {
    this.#statements = statements;
    this.#clock = clock;
  }

  /** @throws RunOverError */
  ask(run: Run, asked: OpenQuestion): Question {
    const row = this.#ofRun(run);
    const asking = { key: randomUUID(), now: this.#clock.now(), timeoutMs: row.input_timeout_ms };
    const questions = this.#edit(run.taskRef, row, before => ask(before, asked, asking));
    return ofThisRun(questions[asked.place]);
  }

  /** @throws RunOverError */
  find(run: Run, key: string): Question | undefined {
    return readQuestions(this.#ofRun(run)).find(question => question.key === key);
  }

  /** @throws RunOverError */
  take(run: Run, key: string): Question {
    const now = this.#clock.now();
    const questions = this.#edit(run.taskRef, this.#ofRun(run), before => take(before, key, now));
    return ofThisRun(questions.find(question => question.key === key));
  }

  answer(taskRef: string, responses: Readonly<Record<string, InputResponse>>): void {
    const now = this.#clock.now();
    const row = this.#statements.questions({ taskRef, now });
    if (row === undefined) return;
    try {
      this.#edit(taskRef, row, before => answer(before, responses, now));
    } catch (error) {
      // The next look fails the task.
      if (!(error instanceof InvalidRecordError)) throw error;
    }
  }

  /** The tasks of a worker with answers that they have not seen. */
  withChanges(worker: string): readonly string[] {
    return this.#statements.withChanges({ worker }).map(row => row.task_ref);
  }

  #ofRun(run: Run): QuestionsRow {
    const row = this.#statements.questionsOfRun(run);
    if (row === undefined) throw new RunOverError('The task has ended otherwise.');
    try {
      readQuestions(row);
    } catch (cause) {
      throw new RunOverError('The questions of the task cannot be read any more.', { cause });
    }
    return row;
  }

  #edit(taskRef: string, row: QuestionsRow, edit: (before: Questions) => Questions): Questions {
    const before = readQuestions(row);
    const questions = edit(before);
    if (questions === before) return questions;
    this.#statements.setQuestions({
      taskRef,
      questions: JSON.stringify(questions),
      waitsUntil: waitsUntil(questions) ?? null,
      hasChanges: hasChanges(questions) ? 1 : 0,
      openCount: Object.keys(openRequests(questions) ?? {}).length,
      waitedMs: waitedMs(questions, row.started_at ?? this.#clock.now()),
      now: this.#clock.now(),
    });
    return questions;
  }
}
