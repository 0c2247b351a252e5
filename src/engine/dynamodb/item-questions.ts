import { openRequests, type Questions, waitedMs } from '../question.js';
import { type QuestionStore, questionStore, RunOverError } from '../run-questions.js';
import type { Fields } from './dynamodb-table.js';
import { questionsOf, type TableRun, type TaskItem } from './task-item.js';

export type EditQuestions = (before: Questions) => Questions;

export interface ItemQuestions {
  item(): Promise<TaskItem | undefined>;
  /** The questions once they have been edited; undefined where the task has changed meanwhile. */
  edit(item: TaskItem, edit: EditQuestions): Promise<Questions | undefined>;
}

/** The questions of a run, which are in the item of its task. */
export function runQuestionStore(run: TableRun, { item, edit }: ItemQuestions): QuestionStore {
  const read = async () => {
    const found = await item();
    const isThisRun =
      found?.status === 'processing' && found.worker === run.worker && found.runCount === run.runCount;
    if (!isThisRun) throw new RunOverError('The task has ended otherwise.');
    return found;
  };
  return questionStore({
    timeoutMs: run.inputTimeoutMs,
    now: Date.now,
    read: async () => questionsOf(await read()),
    change: async change => {
      for (;;) {
        const questions = await edit(await read(), change);
        if (questions !== undefined) return questions;
      }
    },
  });
}

/** What an edit makes of an item; no change where the questions stay the same. */
export function editedQuestions(
  item: TaskItem,
  edit: EditQuestions,
): { readonly questions: Questions; readonly change: Fields | undefined } {
  const before = questionsOf(item);
  const questions = edit(before);
  if (questions === before) return { questions, change: undefined };
  const change = {
    questions: JSON.stringify(questions),
    asking: openRequests(questions) === undefined ? undefined : 1,
    updatedAt: Date.now(),
    ...(item.startedAt === undefined ? {} : { waitedMs: waitedMs(questions, item.startedAt) }),
  };
  return { questions, change };
}
