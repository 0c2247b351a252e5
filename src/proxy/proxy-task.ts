import { randomUUID } from 'node:crypto';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { sdkProgressOf } from '../client/sdk/sdk-call-options.js';
import type { TaskHandle } from '../client/task-handle.js';
import type { InputRequest, InputResponse } from '../engine/question.js';
import { InputRequiredError } from '../errors.js';
import { TokenBucket } from '../pacing/token-bucket.js';
import { untilAborted } from '../time/signals.js';
import { Alarm } from '../time/sleep.js';
import { isEndStatus, type Progress, type Snapshot, type TaskReference } from '../types.js';

/** How a call ended: an answer, or what went wrong. */
export type ProxyCallEnd = { readonly result: CallToolResult } | { readonly error: unknown };

/** A call that was sent, or one whose end is known already. */
export type StartedCall = { readonly handle: TaskHandle } | ProxyCallEnd;

interface OpenQuestion {
  readonly request: InputRequest;
  resolve(response: InputResponse): void;
}

export interface ProxyTaskOptions {
  /** Names the call to its host; as hard to guess as any secret. */
  readonly reference: string;
  /** Whose it is; for anybody else it does not exist. */
  readonly principal: string;
  /** As the host knows it. */
  readonly tool: string;
  readonly startedAt: number;
}

/** What is known of a call, here or from the journal. */
export type KnownCall = Pick<
  ProxyTask,
  | 'reference'
  | 'principal'
  | 'tool'
  | 'startedAt'
  | 'updatedAt'
  | 'snapshot'
  | 'end'
  | 'questions'
  | 'isCancelled'
>;

export interface HostWatch {
  /** How long to wait for the end; `Infinity` for no limit. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** Told of every change, and at least every few seconds that nothing has changed; not more often than a host can read. */
  readonly report?: ((progress: Progress | undefined) => void) | undefined;
}

const SIGN_OF_LIFE_MS = 5000;
/** As many as a host can read, however many an upstream sends. */
const REPORTS = { perSecond: 10, burst: 20 };

/** One call on its way, whoever listens. It goes on when its host has gone. */
export class ProxyTask {
  readonly reference: string;
  readonly principal: string;
  readonly tool: string;
  readonly startedAt: number;
  readonly #watchers = new Set<() => void>();
  readonly #questions = new Map<string, OpenQuestion>();
  #snapshot: Snapshot = { status: 'working', attempt: 0, elapsedMs: 0, raw: undefined };
  #updatedAt: number;
  #handle: TaskHandle | undefined;
  #end: ProxyCallEnd | undefined;
  #cancelled = false;
  #acknowledged: (() => void) | undefined;

  constructor({ reference, principal, tool, startedAt }: ProxyTaskOptions) {
    this.reference = reference;
    this.principal = principal;
    this.tool = tool;
    this.startedAt = startedAt;
    this.#updatedAt = startedAt;
  }

  /** What is known of the call; `working` until its result is here, which is later than the first word of its end. */
  get snapshot(): Snapshot {
    const isOnItsWay = this.#end === undefined && isEndStatus(this.#snapshot.status);
    return isOnItsWay ? { ...this.#snapshot, status: 'working' } : this.#snapshot;
  }

  get updatedAt(): number {
    return this.#updatedAt;
  }

  /** Undefined while it runs. */
  get end(): ProxyCallEnd | undefined {
    return this.#end;
  }

  get isCancelled(): boolean {
    return this.#cancelled;
  }

  /** Runs the call to its end. Never rejects. */
  async run(start: () => Promise<StartedCall>): Promise<void> {
    try {
      const started = await start();
      this.#finish('handle' in started ? { result: await this.#resultOf(started.handle) } : started);
    } catch (error) {
      this.#finish({ error });
    }
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#announce();
  }

  /** The upstream's handle of the task, where it has one. */
  get handleReference(): TaskReference | undefined {
    return this.#handle?.reference;
  }

  /** What the task waits for where its host cannot ask anybody: the journal has it for whoever comes back. */
  get unanswered(): InputRequiredError | undefined {
    const end = this.#end;
    if (end === undefined || !('error' in end) || this.#handle?.journalId === undefined) return undefined;
    return end.error instanceof InputRequiredError ? end.error : undefined;
  }

  /** The call in the journal, as `mcp-await wait` takes it. */
  get journalId(): string | undefined {
    return this.#handle?.journalId;
  }

  /** What the upstream asks and nobody has answered yet, by key. */
  get questions(): Readonly<Record<string, InputRequest>> | undefined {
    if (this.#questions.size === 0 || this.#end !== undefined) return undefined;
    return Object.fromEntries([...this.#questions].map(([key, { request }]) => [key, request]));
  }

  /** Puts a question to whoever looks at the call as a task. @throws the signal's reason */
  async ask(request: InputRequest, signal: AbortSignal): Promise<InputResponse> {
    const key = randomUUID();
    try {
      const answer = new Promise<InputResponse>(resolve => {
        this.#questions.set(key, { request, resolve });
      });
      this.#announce();
      return await untilAborted(answer, signal);
    } finally {
      this.#questions.delete(key);
      this.#announce();
    }
  }

  /** Answers questions by key; those to other keys are left alone. */
  answer(responses: Readonly<Record<string, InputResponse>>): void {
    for (const [key, response] of Object.entries(responses)) this.#questions.get(key)?.resolve(response);
  }

  /** Asks the upstream to stop, where it can be asked. */
  cancel(): void {
    this.#cancelled = true;
    this.#handle?.cancel().catch(() => {});
  }

  /** The host has the result. */
  acknowledge(): void {
    this.#handle?.acknowledge();
    this.#acknowledged?.();
  }

  /** Calls `tell` when the host has the result. */
  onAcknowledged(tell: () => void): void {
    this.#acknowledged = tell;
  }

  /** Calls `listener` at every change, until the function that is returned is called. */
  listen(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /**
   * Waits for the end; undefined when the time is up before.
   * @throws the signal's reason
   */
  async watch(watch: HostWatch): Promise<ProxyCallEnd | undefined> {
    await this.until(() => this.#end !== undefined, watch);
    return this.#end;
  }

  /** Waits until `isReached` says so after a change, or the time is up. @throws the signal's reason */
  async until(isReached: () => boolean, { limitMs, signal, report }: HostWatch): Promise<void> {
    const alarm = new Alarm();
    const deadline = performance.now() + limitMs;
    const reports = new TokenBucket(REPORTS);
    const firstReportMs = this.#snapshot.progress === undefined ? SIGN_OF_LIFE_MS : 0;
    let reportAt = report === undefined ? deadline : performance.now() + firstReportMs;
    const tell = () => {
      if (report === undefined) return;
      const now = performance.now();
      const earlyMs = reports.take(now);
      if (earlyMs === 0) report(sdkProgressOf(this.#snapshot));
      reportAt = now + (earlyMs === 0 ? SIGN_OF_LIFE_MS : earlyMs);
    };
    const forget = this.listen(() => {
      // At once: what comes next may be the end.
      if (this.#end === undefined) tell();
      alarm.ring();
    });
    try {
      while (!isReached()) {
        const now = performance.now();
        if (now >= deadline) return;
        if (now >= reportAt) tell();
        await alarm.sleep(Math.max(0, Math.min(reportAt, deadline) - now), signal);
      }
    } finally {
      forget();
    }
  }

  #resultOf(handle: TaskHandle): Promise<CallToolResult> {
    this.#handle = handle;
    // A host may have given up before the upstream had accepted the call.
    if (this.#cancelled) this.cancel();
    this.#snapshot = handle.snapshot;
    return handle.result();
  }

  #finish(end: ProxyCallEnd): void {
    this.#end = end;
    this.#announce();
  }

  #announce(): void {
    this.#updatedAt = Date.now();
    for (const tell of [...this.#watchers]) tell();
  }
}
