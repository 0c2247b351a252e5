import type { Clock } from '../clock.js';
import {
  answer,
  hasChanges,
  openRequests,
  type Questions,
  type Responses,
  waitedMs,
  waitsUntil,
} from '../question.js';
import { InvalidRecordError } from '../record-shape.js';
import { type QuestionStore, questionStore, questionsOfRun, RunOverError } from '../run-questions.js';
import { readQuestions } from '../stored-task.js';
import type { GroupCommit } from './group-commit.js';
import type { QuestionsRow, Run, TaskStatements } from './task-statements.js';

interface Edited {
  readonly before: Questions;
  readonly after: Questions;
}

/** The questions of tasks and their answers. Call what changes them in a transaction. */
export class QuestionTable {
  readonly #statements: TaskStatements;
  readonly #clock: Clock;

  constructor(statements: TaskStatements, clock: Clock) {
    this.#statements = statements;
    this.#clock = clock;
  }

  /** The questions of a run, each change of which is a write. */
  ofRun(run: Run, commits: GroupCommit): QuestionStore {
    return questionStore({
      now: () => this.#clock.now(),
      read: async () => questionsOfRun(this.#rowOf(run)),
      change: edit =>
        commits.write(() => {
          const row = this.#rowOf(run);
          const before = questionsOfRun(row);
          return this.#store(run.taskRef, row, { before, after: edit(before, row.input_timeout_ms) });
        }),
    });
  }

  answer(taskRef: string, responses: Responses): void {
    const now = this.#clock.now();
    const row = this.#statements.questions({ taskRef, now });
    if (row === undefined) return;
    try {
      const before = readQuestions(row);
      this.#store(taskRef, row, { before, after: answer(before, responses, now) });
    } catch (error) {
      // The next look fails the task.
      if (!(error instanceof InvalidRecordError)) throw error;
    }
  }

  /** The tasks of a worker with answers that they have not seen. */
  withChanges(worker: string): readonly string[] {
    return this.#statements.withChanges({ worker }).map(row => row.task_ref);
  }

  #rowOf(run: Run): QuestionsRow {
    const row = this.#statements.questionsOfRun(run);
    if (row === undefined) throw new RunOverError('The task has ended otherwise.');
    return row;
  }

  #store(taskRef: string, row: QuestionsRow, { before, after }: Edited): Questions {
    if (after === before) return after;
    this.#statements.setQuestions({
      taskRef,
      questions: JSON.stringify(after),
      waitsUntil: waitsUntil(after) ?? null,
      hasChanges: hasChanges(after) ? 1 : 0,
      openCount: Object.keys(openRequests(after) ?? {}).length,
      waitedMs: waitedMs(after, row.started_at ?? this.#clock.now()),
      now: this.#clock.now(),
    });
    return after;
  }
}
