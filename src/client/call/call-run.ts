import { randomUUID } from 'node:crypto';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { NotSupportedError } from '../../errors.js';
import type { Protocol, StartAnswer, ToolPlan } from '../../protocols/protocol.js';
import { resultOfOutcome } from '../../protocols/tool-result.js';
import { atMost, TimeLimitError } from '../../time/at-most.js';
import { untilAborted } from '../../time/signals.js';
import { Alarm } from '../../time/sleep.js';
import type { Outcome, TaskReference, ToolCall } from '../../types.js';
import type { RunContext } from '../client-services.js';
import type { CallEnd } from '../events.js';
import * as explain from '../faults/explain.js';
import type { Journal, Known } from '../journal/journal.js';
import { awaitEnd } from '../waiting/await-loop.js';
import { linkedResource } from '../waiting/notifications.js';
import { CallRequests, SOON_MS } from './call-requests.js';
import { Ending } from './ending.js';
import { protocolOf } from './reference.js';
import { type Begun, type RunningTask, TaskState } from './task-state.js';

/** A call that is yet to be sent. */
export interface NewCall {
  readonly call: ToolCall;
  readonly plan: ToolPlan | Promise<ToolPlan>;
}

/** A task that was started before. */
export interface ResumedTask {
  readonly reference: TaskReference;
  readonly known: Known | undefined;
}

/** One logical call from its start to its end: planned, started, awaited. What a `TaskHandle` shows. */
export class CallRun {
  readonly tool: string;
  readonly state: TaskState;
  /** Names the logical call, from before it is sent; undefined for a resumed task. */
  readonly idempotencyKey: string | undefined;

  readonly #context: RunContext;
  readonly #ending: Ending;
  readonly #requests: CallRequests;
  readonly #alarm = new Alarm();
  readonly #plan: ToolPlan | Promise<ToolPlan> | undefined;
  readonly #begun: Promise<Begun>;
  /** Whether the end of the wait also cancels the task. */
  #cancelling = false;
  #outcome: Promise<Outcome> | undefined;

  constructor(context: RunContext, beginning: NewCall | ResumedTask) {
    this.tool = context.tool;
    this.state = new TaskState(context);
    this.#context = context;
    this.#ending = new Ending(context, this.state, cause => this.#aborted(cause));
    const isNew = 'plan' in beginning;
    this.idempotencyKey = isNew ? (context.call.idempotencyKey ?? randomUUID()) : undefined;
    const { signal } = this.#ending;
    this.#requests = new CallRequests({
      context,
      state: this.state,
      signal,
      idempotencyKey: this.idempotencyKey,
    });
    this.#plan = isNew ? beginning.plan : undefined;
    this.#begun = isNew ? this.#start(beginning) : this.#resume(beginning);
    // A failure is reported to the caller of `outcome()`; until then it must not count as an unhandled rejection.
    this.#begun.catch(error => this.#over({ error }));
  }

  /** How the call is awaited; known once it is accepted. */
  get protocol(): Protocol {
    return this.state.protocol;
  }

  /** Settles when the server has accepted, refused or already done the job; of a blocking call, when it is on its way. */
  async accepted(): Promise<void> {
    const plan = await this.#planned();
    if (plan?.startKind === 'blocking') return;
    await (plan?.startKind === 'unknown' ? atMost(this.#begun, SOON_MS).catch(unlessLate) : this.#begun);
  }

  /** How the task ended. The first call begins to wait; later ones share that wait. */
  outcome(): Promise<Outcome> {
    if (this.#outcome === undefined) {
      this.#outcome = this.#conclude();
      this.#outcome.catch(() => {});
    }
    return this.#outcome;
  }

  /** The outcome as a result, which the caller has now. */
  async result(): Promise<CallToolResult> {
    const outcome = await this.outcome();
    this.state.entry?.handedOver();
    return resultOfOutcome(outcome);
  }

  /** Ends the wait from our side; does nothing once the task has ended. */
  end(reason: explain.EndReason): void {
    this.#ending.end(reason);
  }

  async cancel(): Promise<void> {
    const plan = await this.#planned();
    const { at } = this.state;
    const isUnanswered = at.name === 'starting' && at.plan.startKind === 'unknown';
    if (plan?.startKind === 'blocking' || isUnanswered) {
      this.#cancelling = isUnanswered;
      return this.end(explain.cancelled);
    }
    const begun = await this.#begun;
    if (begun.name === 'ended') return;
    await this.#requests.cancelTask(begun.task).catch(error => {
      throw error instanceof NotSupportedError ? error : explain.pollFailure(error, this.state.facts);
    });
    this.#alarm.ring();
  }

  /** The plan of a call; undefined for a resumed task. @throws why there is none */
  #planned(): Promise<ToolPlan | undefined> {
    return Promise.race([this.#plan, this.#begun.then(() => this.#plan)]);
  }

  async #start({ call, plan: planning }: NewCall): Promise<Begun> {
    using _clocks = this.#ending.watch();
    const { state } = this;
    const { signal } = this.#ending;
    const plan = planning instanceof Promise ? await untilAborted(planning, signal) : planning;
    signal.throwIfAborted();
    state.at = { name: 'planning', plan };
    if (plan.notice !== undefined) state.warn(plan.notice);
    const { journal } = this.#context.services;
    const known = journal && (await this.#lookUp(journal, call, plan));
    state.entry = known?.entry;
    if (known?.reference !== undefined) return this.#resume({ reference: known.reference, known });
    if (known?.outcome !== undefined) return this.#answerWith(known.outcome);
    state.at = { name: plan.startKind === 'blocking' ? 'blocking' : 'starting', plan };
    const sent = this.#requests.start(call, plan, late => this.#take(late, plan));
    const { entry } = state;
    if (entry !== undefined) sent.catch(error => entry.startFailed(error, signal.aborted));
    // A blocking request ends with the signal by itself.
    const answer = await (plan.startKind === 'blocking' ? sent : untilAborted(sent, signal)).catch(error => {
      if (signal.aborted) throw signal.reason;
      throw explain.startFailure(error, state.facts, { plan, wait: this.#context.wait });
    });
    return this.#acceptAnswer(answer, plan);
  }

  /** Writes the call down before it is sent, or finds what the journal knows of it. */
  #lookUp(journal: Journal, call: ToolCall, { protocol, idempotent }: ToolPlan): Promise<Known | undefined> {
    const { signal } = this.#ending;
    // Only the caller's own key: no other process knows a key that the client generated.
    const { idempotencyKey } = this.#context.call;
    const looking = journal.begin({
      call,
      protocol: protocol.name,
      idempotencyKey,
      idempotent,
      signal,
    });
    return untilAborted(looking, signal);
  }

  #acceptAnswer(answer: StartAnswer, plan: ToolPlan): Begun {
    const { state, tool } = this;
    const { detected, handle, protocol = plan.protocol } = answer;
    if (detected !== undefined) this.#context.watch.hear({ type: 'pair-detected', tool, ...detected });
    if (answer.kind === 'ended') {
      const ended = { name: 'ended', protocol, outcome: answer.outcome } as const;
      state.at = ended;
      if (handle !== undefined) state.accept(referenceTo(protocol, tool, handle));
      state.observe(answer, 0);
      this.#over(ended);
      return ended;
    }
    const { hintMs, leastMs, raw } = answer;
    const resource = linkedResource(raw);
    const reference = referenceTo(protocol, tool, handle);
    const begun = { name: 'running', task: { protocol, reference, hintMs, leastMs, resource } } as const;
    state.at = begun;
    state.accept(reference);
    state.observe(answer, 0);
    return begun;
  }

  async #resume({ reference, known }: ResumedTask): Promise<Begun> {
    const { state } = this;
    state.entry = known?.entry;
    state.resume(reference);
    const protocol = protocolOf(reference, this.#context.services.nativeTasks());
    const begun = { name: 'running', task: { protocol, reference } } as const;
    state.at = begun;
    return known?.outcome === undefined ? begun : this.#answerWith(known.outcome);
  }

  #answerWith(outcome: Outcome): Begun {
    const { state } = this;
    this.#over({ outcome, stored: true });
    const ended = { name: 'ended', protocol: state.protocol, outcome } as const;
    state.at = ended;
    state.observe({ kind: 'ended', outcome, raw: undefined }, 0);
    return ended;
  }

  async #conclude(): Promise<Outcome> {
    try {
      const begun = await this.#begun;
      const outcome = begun.name === 'ended' ? begun.outcome : await this.#awaitEnd(begun.task);
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

  async #awaitEnd(task: RunningTask): Promise<Outcome> {
    const { state } = this;
    const context = this.#context;
    const alarm = this.#alarm;
    const requests = this.#requests;
    const isNew = this.#plan !== undefined;
    using ending = this.#ending.watch();
    const { reference } = task;
    using pacer = context.services.durations.pacer(this.tool, context.wait, { reference, fromStart: isNew });
    const ended = await awaitEnd({ context, task, state, requests, alarm, pacer, ending }, isNew);
    if (ended === undefined) throw explain.attemptsSpent(state.facts, context.wait.maxAttempts);
    return ended.outcome;
  }

  #over(end: CallEnd): void {
    this.#context.watch.ended(end);
    this.#ending.release();
  }

  #aborted(reason: unknown): explain.EndReason {
    this.#cancelling = this.#context.wait.cancelOnAbort;
    if (this.#cancelling) this.#cancelIfRunning();
    return facts => explain.aborted(facts, reason, this.#cancelling);
  }

  #cancelIfRunning(): void {
    const { at } = this.state;
    if (at.name === 'running') this.#requests.cancelTask(at.task).catch(() => {});
  }

  /** The wait was over before the server had answered the start. */
  #take(answer: StartAnswer, plan: ToolPlan): void {
    const { entry } = this.state;
    if (answer.kind === 'ended') {
      entry?.ended(answer.outcome);
      return;
    }
    const { tool } = this;
    const { handle, protocol = plan.protocol } = answer;
    const reference = referenceTo(protocol, tool, handle);
    entry?.accepted(reference);
    this.#context.watch.hear({ type: 'task-orphaned', tool, reference });
    if (this.#cancelling) this.#requests.cancelTask({ protocol, reference }).catch(() => {});
  }
}

function unlessLate(error: unknown): void {
  if (!(error instanceof TimeLimitError)) throw error;
}

/** A task that was started just now. */
function referenceTo(protocol: Protocol, tool: string, handle: unknown): TaskReference {
  return { version: 1, protocol: protocol.name, tool, handle, startedAt: new Date().toISOString() };
}
