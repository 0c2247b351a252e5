import type { Pacer, PlannedRequest } from '../../pacing/pacer.js';
import type { Ended, Running } from '../../protocols/protocol.js';
import type { Alarm } from '../../time/sleep.js';
import { sleep } from '../../time/sleep.js';
import type { CallRequests } from '../call/call-requests.js';
import type { Ending } from '../call/ending.js';
import type { RunningTask, TaskState } from '../call/task-state.js';
import type { RunContext } from '../client-services.js';
import { TaskQuestions } from '../input/task-questions.js';
import type { NotificationListener, TaskNotification } from './notifications.js';

/** An answer that came much sooner than the server was asked to hold it was not held. */
const HELD_SHARE = 0.5;

const BEGINNING = { attempt: 0, pacedCount: 0, countedCount: 0, askedAt: 0, noWakeBefore: 0 };

/** What the loop works with. */
export interface Wait {
  readonly context: RunContext;
  readonly task: RunningTask;
  readonly state: TaskState;
  readonly requests: CallRequests;
  /** Cuts a sleep short when there is reason to ask at once. */
  readonly alarm: Alarm;
  /** Says when to ask. */
  readonly pacer: Pacer;
  /** Ends the wait from our side. */
  readonly ending: Ending;
}

/** Where a wait stands between two status requests. */
export interface Position {
  /** Status requests answered so far. */
  readonly attempt: number;
  /** Answers by which the interval has grown. */
  readonly pacedCount: number;
  /** Answers that count for `maxAttempts`. */
  readonly countedCount: number;
  /** Nothing is known of the task yet: the first request is a look, which the server does not hold. */
  readonly isLook: boolean;
  /** The server holds its answer back, so the next request is sent without a delay. */
  readonly holdsAtOnce: boolean;
  /** When the last request went out, on the clock of `performance.now()`: its answer includes what was told before. */
  readonly askedAt: number;
  /** A notification that told nothing makes the next ones wait until then, on the clock of `performance.now()`. */
  readonly noWakeBefore: number;
}

/** The status request that comes next. */
export interface Round extends Position, PlannedRequest {
  /** How the sleep has ended, once it has. */
  readonly slept?: 'through' | 'woken';
}

/** What is to be done next. `look` asks for an answer at once, `hold` for one that is held back until the task ends. */
export type Step =
  | { readonly name: 'sleep'; readonly delayMs: number }
  | { readonly name: 'look' }
  | { readonly name: 'hold' };

/** The step that a round is at. @param canHold whether the server holds answers back, and one more may be held */
export function nextStep({ isLook, holdsAtOnce, delayMs, slept }: Round, canHold: boolean): Step {
  // After a notification there is probably an end to fetch, together with others.
  if (isLook || slept === 'woken') return { name: 'look' };
  if (canHold && holdsAtOnce) return { name: 'hold' };
  if (slept === undefined && delayMs > 0) return { name: 'sleep', delayMs };
  return { name: canHold ? 'hold' : 'look' };
}

/**
 * Asks for the state of a running task until it has ended; the one loop for every protocol.
 * @param isNew whether this call has started the task; of another nothing is known before the first answer
 * @returns undefined when `maxAttempts` answers said that it is still running. Only answers to requests at our own pace
 * count: not those that the server held, that its hint or a notification brought about, or that came while somebody
 * thinks about what the task asks
 * @throws the reason of the wait's signal, or the error of a status request that failed for good
 */
export async function awaitEnd(wait: Wait, isNew: boolean): Promise<Ended | undefined> {
  const { task, context, pacer } = wait;
  const { longPollMs, maxAttempts } = context.wait;
  const { holdLimiter } = context.services;
  using listening = new TaskListening(wait);
  const holds = longPollMs > 0 && task.protocol.holds?.(task.reference.handle) === true;
  let round: Round = { ...BEGINNING, isLook: !isNew, holdsAtOnce: holds && isNew, ...pacer.next(0, task) };
  while (round.countedCount < maxAttempts) {
    const step = nextStep(round, holds && holdLimiter.hasRoom);
    if (step.name === 'sleep') {
      if (longPollMs > 0) listening.sleeping();
      round = { ...round, slept: await sleepUntilNotified(step.delayMs, round, wait) };
      continue;
    }
    const holdMs = step.name === 'hold' ? longPollMs : 0;
    const { answer, askedAt } = await ask(holdMs, round, wait);
    if (answer.kind === 'ended') return answer;
    if (answer.status === 'input_required') listening.asked(answer);
    const { isAnswering } = listening;
    const wasHeld = holdMs > 0 && performance.now() - askedAt >= holdMs * HELD_SHARE;
    const holdsAtOnce = holds && (holdMs === 0 || wasHeld);
    const noWakeBefore = askedAt + context.wait.initialIntervalMs;
    const position = afterRunning(round, { wasHeld, holdsAtOnce, askedAt, noWakeBefore, isAnswering });
    round = { ...position, ...pacer.next(position.pacedCount, answer) };
  }
  return undefined;
}

/** What an answer "still running" came to. */
export interface RunningFacts {
  readonly wasHeld: boolean;
  readonly holdsAtOnce: boolean;
  readonly askedAt: number;
  readonly noWakeBefore: number;
  /** Whether a question of the task is being answered, which may take a person hours. */
  readonly isAnswering: boolean;
}

/** Where a wait stands after an answer "still running". */
export function afterRunning(round: Round, facts: RunningFacts): Position {
  const { isLook, isHinted, slept } = round;
  const { attempt, pacedCount, countedCount, noWakeBefore } = round;
  const { holdsAtOnce, askedAt } = facts;
  const position = {
    attempt: attempt + 1,
    pacedCount,
    countedCount,
    isLook: false,
    holdsAtOnce,
    askedAt,
    noWakeBefore,
  };
  if (facts.isAnswering) return position;
  if (slept === 'woken') return { ...position, noWakeBefore: facts.noWakeBefore };
  const isCounted = isLook || !(facts.wasHeld || isHinted);
  return {
    ...position,
    pacedCount: pacedCount + 1,
    countedCount: countedCount + (isCounted ? 1 : 0),
  };
}

/** Sends one status request, and shows its answer. */
async function ask(holdMs: number, { attempt, hintMs, slept }: Round, wait: Wait) {
  const { context, task, state, requests, pacer } = wait;
  using _permit = holdMs > 0 ? context.services.holdLimiter.take() : undefined;
  const { reference } = task;
  const woken = slept === 'woken';
  context.watch.hear({
    type: 'status-requested',
    tool: context.tool,
    reference,
    attempt,
    hintMs,
    holdMs,
    woken,
  });
  if (holdMs > 0) pacer.stopLearning();
  const { answer, askedAt } = await requests.poll(task, holdMs);
  if (answer.kind === 'running') pacer.answered('running', askedAt, answer.progress);
  // A cancelled task would have run longer, so it says less about the tool's duration.
  else pacer.answered(answer.outcome.status === 'cancelled' ? 'cancelled' : 'ended', askedAt);
  state.observe(answer, attempt + 1);
  return { answer, askedAt };
}

/** @returns whether a notification has ended the sleep */
async function sleepUntilNotified(
  delayMs: number,
  { askedAt, noWakeBefore }: Position,
  { context, task, requests, alarm }: Wait,
): Promise<'through' | 'woken'> {
  const { signal } = requests.exchange;
  const { tool, watch } = context;
  watch.hear({ type: 'status-scheduled', tool, reference: task.reference, delayMs });
  const dueAt = performance.now() + delayMs;
  if (!(await alarm.sleep(delayMs, signal, { since: askedAt }))) return 'through';
  const restMs = Math.min(noWakeBefore, dueAt) - performance.now();
  if (restMs > 0) await sleep(restMs, signal);
  return 'woken';
}

/** What one wait hears of its task without asking, and what the task asks, until it is disposed. */
class TaskListening implements Disposable, NotificationListener {
  readonly #wait: Wait;
  readonly #topics: readonly string[];
  /** With the resource's. */
  readonly #allTopics: readonly string[];
  readonly #subscribed: Disposable | undefined;
  #followed: Disposable | undefined;
  /** Missing until a question may come: most tasks ask none. */
  #questions: TaskQuestions | undefined;

  constructor(wait: Wait) {
    const { protocol, reference, resource } = wait.task;
    const { call, services } = wait.context;
    this.#wait = wait;
    this.#topics = protocol.topics?.(reference.handle) ?? [];
    if ((protocol.answer ?? protocol.listenForQuestions ?? call.onInput) !== undefined)
      this.#questions = new TaskQuestions(wait, this.#topics);
    this.#subscribed = resource === undefined ? undefined : services.resources.follow(resource);
    this.#allTopics = resource === undefined ? this.#topics : [...this.#topics, resource];
    services.notifications.listen(this.#allTopics, this);
  }

  /** Whether somebody thinks about a question of the task. */
  get isAnswering(): boolean {
    return this.#questions !== undefined && this.#questions.openCount > 0;
  }

  /** The wait sleeps: a server that tells only what it was asked to tell is asked now, and not while it holds an answer. */
  sleeping(): void {
    this.#followed ??= this.#wait.context.services.follow?.(this.#topics);
  }

  /** A notification of work under way is shown; every other is a reason to ask. */
  hear({ status, message }: TaskNotification): void {
    const { alarm, state } = this.#wait;
    if (status !== 'working') alarm.ring();
    else if (message !== undefined) state.hear(message);
  }

  /** Hears an answer that the task is `input_required`. */
  asked(answer: Running): void {
    this.#questions ??= new TaskQuestions(this.#wait, this.#topics);
    this.#questions.hear(answer);
  }

  [Symbol.dispose](): void {
    this.#wait.context.services.notifications.leave(this.#allTopics, this);
    this.#subscribed?.[Symbol.dispose]();
    this.#followed?.[Symbol.dispose]();
    this.#questions?.[Symbol.dispose]();
  }
}
