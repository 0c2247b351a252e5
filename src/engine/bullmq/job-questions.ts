import { DEFAULT_INPUT_TIMEOUT_MS } from '../engine-defaults.js';
import { answer, type InputResponse, type Questions } from '../question.js';
import { type QuestionStore, questionStore, RunOverError } from '../run-questions.js';
import { type JobData, type JobTask, readJobQuestions, tryContents } from './job-data.js';
import { excusedReturns, isTaken, jobToRecord, returnCount, type StoredJob } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';

type Edit = (questions: Questions) => Questions;

/** A job as it was taken, and what its data say. */
export interface TakenJob {
  readonly job: StoredJob;
  readonly data: JobData;
  readonly task: JobTask;
}

/** The questions of the run that has taken the job; they are in its data. */
export function jobQuestionStore(queue: OperationQueue, { job, data: taken, task }: TakenJob): QuestionStore {
  // From when the run has all its answers on, it may be lost only as often as before it began.
  const excused = excusedReturns(job, taken, Date.now());
  const counted = returnCount(job) - excused;

  async function read(): Promise<{ readonly stored: StoredJob; readonly data: JobData }> {
    const stored = await queue.read(job.id);
    const isThisRun =
      stored?.attemptsStarted === job.attemptsStarted && isTaken(stored) && stored.finishedOn === undefined;
    if (!isThisRun) throw new RunOverError('The task has ended otherwise.');
    const data = tryContents(stored)?.data;
    if (data === undefined) throw new RunOverError('The questions of the task cannot be read any more.');
    return { stored, data };
  }

  async function change(edit: Edit): Promise<Questions> {
    for (;;) {
      const { stored, data } = await read();
      const before = readJobQuestions(data);
      const questions = edit(before);
      if (questions === before) return questions;
      if (!(await queue.replaceData(stored, { ...withQuestions(data, questions), excused, counted })))
        continue;
      await queue.announceChange(job.id);
      return questions;
    }
  }

  return questionStore({
    timeoutMs: task.inputTimeoutMs ?? DEFAULT_INPUT_TIMEOUT_MS,
    now: () => Date.now(),
    read: async () => readJobQuestions((await read()).data),
    change,
  });
}

/** Stores answers in the job's data, unless the task has ended. */
export async function answerJob(
  queue: OperationQueue,
  job: StoredJob,
  responses: Readonly<Record<string, InputResponse>>,
): Promise<'stored' | 'nothing to store' | 'changed meanwhile'> {
  const data = tryContents(job)?.data;
  if (data === undefined) return 'nothing to store';
  const before = readJobQuestions(data);
  const questions = answer(before, responses, Date.now());
  if (questions === before || jobToRecord(job, Date.now())?.inputRequests === undefined)
    return 'nothing to store';
  if (!(await queue.replaceData(job, withQuestions(data, questions)))) return 'changed meanwhile';
  await queue.announceChange(job.id);
  return 'stored';
}

/** Notes that the run of a job that waits for an answer, and is about to come back, is not to count. */
export async function excuseRun(queue: OperationQueue, job: StoredJob): Promise<void> {
  for (;;) {
    const stored = await queue.read(job.id);
    if (stored === undefined || stored.attemptsStarted !== job.attemptsStarted) return;
    const data = tryContents(stored)?.data;
    if (data === undefined) return;
    const excused = returnCount(stored) + 1 - (data.counted ?? 0);
    if (await queue.replaceData(stored, { ...data, excused })) return;
  }
}

function withQuestions(data: JobData, questions: Questions): JobData {
  return { ...data, questions: JSON.stringify(questions) };
}
