import { randomUUID } from 'node:crypto';
import { type AwaitError, NotSupportedError } from '../errors.js';
import type { Ended, Protocol, StartAnswer, ToolPlan } from '../protocols/protocol.js';
import { Alarm } from '../time/alarm.js';
import { atMost, TimeLimitError } from '../time/at-most.js';
import { onDispose } from '../time/on-dispose.js';
import { untilAborted } from '../time/signals.js';
import type { Outcome, TaskReference, ToolCall } from '../types.js';
import { awaitEnd } from './await-loop.js';
import { CallRequests, SOON_MS } from './call-requests.js';
import type { CallEnd } from './call-watch.js';
import { Ending } from './ending.js';
import * as explain from './explain.js';
import { mayAskUntold, TaskQuestions } from './input/task-questions.js';
import type { Known } from './journal/journal.js';
import { lookUp } from './journal/look-up.js';
import { protocolOf, referenceTo } from './reference.js';
import { linkedResource } from './resource-updates.js';
import type { Beginning, RunContext } from './run-context.js';
import { TaskListening } from './task-listening.js';
import { TaskState } from './task-state.js';

/** One logical call from its start to its end: the state behind a `TaskHandle`. */
export class TaskRun {
  readonly tool: string;
  readonly state: TaskState;
  /** Names the logical call, from before it is sent; undefined of a resumed task. */
  readonly idempotencyKey: string | undefined;

  readonly #context: RunContext;
  readonly #ending = new Ending(error => this.#context.watch.ended({ error }));
  readonly #alarm = new Alarm();
  readonly #requests: CallRequests;
  readonly #plan: ToolPlan | Promise<ToolPlan> | undefined;
  readonly #begun: Promise<StartAnswer>;
  #stage: explain.Stage = 'planning';
  /** Whether the end of the wait also cancels the task. */
  #cancelling = false;
  #protocol: Protocol | undefined;
  /** What the server has linked to as it accepted the job: its updates are news of the task. */
  #resource: string | undefined;
  #outcome: Promise<Outcome> | undefined;

  constructor(context: RunContext, beginning: Beginning) {
    const { tool, call, onEvent } = context;
    this.tool = tool;
    this.state = new TaskState({ tool, onUpdate: call.onUpdate, onEvent });
    this.#context = context;
    this.idempotencyKey = 'plan' in beginning ? (call.idempotencyKey ?? randomUUID()) : undefined;
    const { signal } = this.#ending;
    const { state, idempotencyKey } = this;
    this.#requests = new CallRequests({ context, state, signal, idempotencyKey });
    this.#ending.listen(call.signal, reason => this.#abortError(reason));
    if ('plan' in beginning) {
      this.#plan = beginning.plan;
      this.#begun = this.#start(beginning.call, beginning.plan);
    } else {
      this.#begun = this.#resume(beginning.reference, beginning.known);
    }
    // Whoever asks for the outcome hears of a failure; until then it must not count as unhandled.
    this.#begun.then(
      begun => begun.kind === 'ended' && this.#over(begun),
      error => this.#over({ error }),
    );
  }

  /** There is no task to wait for. */
  #over(end: CallEnd): void {
    this.#context.watch.ended(end);
    this.#ending.release();
  }

  /** How the call is awaited; known once it is accepted. */
  get protocol(): Protocol {
    if (this.#protocol === undefined)
      throw new TypeError('The protocol of a call is known once it is accepted.');
    return this.#protocol;
  }

  /** Settles when the server has accepted, refused or already done the job; of a blocking call, when it is on its way. */
  async accepted(): Promise<void> {
    const plan = await this.#planned();
    if (plan?.blocking !== true)
      await (plan?.mayBlock ? atMost(this.#begun, SOON_MS).catch(unlessLate) : this.#begun);
  }

  /** How the task ended. The first call begins to wait; later ones share that wait. */
  outcome(): Promise<Outcome> {
    if (this.#outcome === undefined) {
      this.#outcome = this.#conclude();
      this.#outcome.catch(() => {});
    }
    return this.#outcome;
  }

  /** Ends the wait from our side; of a task that has ended there is none. */
  end(error: (facts: explain.CallFacts) => AwaitError): void {
    if (!this.state.hasEnded) this.#ending.end(() => error(this.#facts()));
  }

  endAsClosed(): void {
    this.end(explain.closed);
  }

  async cancel(): Promise<void> {
    const plan = await this.#planned();
    if (plan?.blocking || this.#stage === 'unanswered') {
      this.#cancelling = this.#stage === 'unanswered';
      return this.end(explain.cancelled);
    }
    const begun = await this.#begun;
    if (begun.kind === 'ended') return;
    try {
      await this.#requests.cancelTask(this.protocol, begun.handle);
    } catch (error) {
      throw error instanceof NotSupportedError ? error : explain.pollFailure(error, this.#facts());
    }
    this.#alarm.ring();
  }

  /** The plan of a call; undefined of a resumed task. @throws why there is none */
  #planned(): Promise<ToolPlan | undefined> {
    return Promise.race([this.#plan, this.#begun.then(() => this.#plan)]);
  }

  async #start(call: ToolCall, planning: ToolPlan | Promise<ToolPlan>): Promise<StartAnswer> {
    using _clocks = this.#watchTime();
    using _open = this.#context.openRuns.add(this);
    const { signal } = this.#ending;
    const plan = planning instanceof Promise ? await untilAborted(planning, signal) : planning;
    signal.throwIfAborted();
    this.#protocol = plan.protocol;
    if (plan.notice !== undefined) this.state.warn(plan.notice);
    const known = await lookUp(this.#context, { call, plan, signal });
    this.state.entry = known?.entry;
    if (known?.reference !== undefined) return this.#resume(known.reference, known);
    if (known?.outcome !== undefined) return this.#answerWith(known.outcome);
    this.#stage = plan.blocking ? 'blocking' : plan.mayBlock ? 'unanswered' : 'starting';
    const sent = this.#requests.start(call, plan, late => this.#take(late));
    sent.catch(error => this.state.entry?.startFailed(error, signal.aborted));
    // A blocking request ends with the signal by itself.
    const answer = await (plan.blocking ? sent : untilAborted(sent, signal)).catch(error => {
      if (signal.aborted) throw signal.reason;
      throw explain.startFailure(error, this.#facts(), { plan, wait: this.#context.wait });
    });
    if (answer.detected !== undefined)
      this.#context.onEvent?.({ type: 'pair-detected', tool: this.tool, ...answer.detected });
    this.#protocol = answer.protocol ?? plan.protocol;
    if (answer.handle !== undefined) this.#accept(answer.handle);
    this.state.observe(answer, 0);
    this.#resource = linkedResource(answer.raw);
    // The state has the answer as it came, for as long as it is the last.
    return answer.kind === 'ended' ? answer : { ...answer, raw: undefined };
  }

  #answerWith(outcome: Outcome): StartAnswer {
    const answer: Ended = { kind: 'ended', outcome, raw: undefined };
    this.#context.watch.ended({ outcome, stored: true });
    this.state.observe(answer, 0);
    return answer;
  }

  async #resume(reference: TaskReference, known: Known | undefined): Promise<StartAnswer> {
    this.state.entry = known?.entry;
    this.state.resume(reference);
    this.#stage = 'accepted';
    this.#protocol = protocolOf(reference, this.#context.nativeTasks());
    if (known?.outcome !== undefined) return this.#answerWith(known.outcome);
    return { kind: 'running', status: 'working', handle: reference.handle, raw: undefined };
  }

  async #conclude(): Promise<Outcome> {
    try {
      const begun = await this.#begun;
      const { outcome } = begun.kind === 'ended' ? begun : await this.#awaitEnd(begun);
      this.#context.watch.ended({ outcome });
      return outcome;
    } catch (error) {
      this.#context.watch.ended({ error });
      this.state.entry?.waitFailed(error);
      throw error;
    } finally {
      this.#ending.release();
      this.state.close();
    }
  }

  async #awaitEnd({ handle, hintMs, leastMs }: Extract<StartAnswer, { kind: 'running' }>): Promise<Ended> {
    using _clocks = this.#watchTime();
    using _open = this.#context.openRuns.add(this);
    const { signal } = this.#ending;
    const { wait, scheduler } = this.#context;
    let questions = mayAskUntold(this.protocol, this.#context.call) ? this.#questions(handle) : undefined;
    using _questions = onDispose(() => questions?.[Symbol.dispose]());
    using listening = new TaskListening({
      context: this.#context,
      topics: this.protocol.topics?.(handle) ?? [],
      resource: this.#resource,
      alarm: this.#alarm,
      state: this.state,
    });
    const fromStart = this.#plan !== undefined;
    const { reference } = this.state;
    using pacer = this.#context.durations.pacer(this.tool, wait, { reference, fromStart });
    const ended = await awaitEnd({
      protocol: this.protocol,
      handle,
      hintMs,
      leastMs,
      isAnswering: () => questions?.areOpen === true,
      options: wait,
      alarm: this.#alarm,
      pacer,
      holdPlaces: this.#context.holdPlaces,
      looksFirst: this.#plan === undefined,
      exchange: this.#requests.exchange(signal),
      onSchedule: delayMs => {
        this.state.schedule(delayMs);
        if (wait.longPollMs > 0) listening.sleeping();
      },
      onRequest: (attempt, asked) => this.state.request(attempt, asked),
      onAnswer: (answer, attempt) => {
        this.state.observe(answer, attempt);
        if (answer.kind === 'running' && answer.status === 'input_required')
          questions ??= this.#questions(handle);
        questions?.hear(answer);
      },
      ask: due =>
        this.#requests
          .retry(() => scheduler.poll(due))
          .catch(error => {
            throw signal.aborted ? signal.reason : explain.pollFailure(error, this.#facts());
          }),
    });
    if (ended === undefined) throw explain.attemptsSpent(this.#facts(), wait.maxAttempts);
    return ended;
  }

  #questions(handle: unknown): TaskQuestions {
    return new TaskQuestions({
      context: this.#context,
      requests: this.#requests,
      protocol: this.protocol,
      handle,
      reference: this.state.reference,
      onAnswered: () => this.#alarm.ring(),
      end: error => this.end(error),
    });
  }

  #watchTime(): Disposable {
    const { wait, desk } = this.#context;
    const { deadlineMs, quietAfterMs } = wait;
    const deadline = this.#ending.watch({
      at: this.state.begunAt + deadlineMs,
      error: () => explain.deadlinePassed(this.#facts(), deadlineMs),
    });
    const quiet = this.state.watchQuiet({ limitMs: quietAfterMs, lastSignAt: () => desk.open.lastOpenAt });
    return onDispose(() => {
      deadline?.[Symbol.dispose]();
      quiet[Symbol.dispose]();
    });
  }

  #abortError(reason: unknown): AwaitError {
    this.#cancelling = this.#context.wait.cancelOnAbort;
    const { reference } = this.state;
    if (this.#cancelling && reference !== undefined)
      this.#requests.cancelTask(this.protocol, reference.handle).catch(() => {});
    return explain.aborted(this.#facts(), reason, this.#cancelling);
  }

  #accept(handle: unknown): void {
    this.#stage = 'accepted';
    this.state.accept(referenceTo(this.protocol, this.tool, handle));
  }

  /** The wait was over before the server had answered the start. */
  #take(answer: StartAnswer): void {
    if (answer.kind === 'ended') {
      this.state.entry?.ended(answer.outcome);
      return;
    }
    const { handle } = answer;
    const { tool, onEvent } = this.#context;
    const reference = referenceTo(this.protocol, tool, handle);
    this.state.entry?.accepted(reference);
    onEvent?.({ type: 'task-orphaned', tool, reference });
    if (this.#cancelling) this.#requests.cancelTask(this.protocol, handle).catch(() => {});
  }

  #facts(): explain.CallFacts {
    const { reference, snapshot } = this.state;
    return { tool: this.tool, reference, snapshot, stage: this.#stage };
  }
}

function unlessLate(error: unknown): void {
  if (!(error instanceof TimeLimitError)) throw error;
}
