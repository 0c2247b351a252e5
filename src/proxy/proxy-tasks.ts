import { createHash, randomBytes } from 'node:crypto';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { outcomeUnknown } from '../client/journal/journal-record.js';
import { BoundedMap } from '../pacing/bounded-map.js';
import { resultOfOutcome } from '../protocols/tool-result.js';
import { ToolFailure } from '../server/tool-failure.js';
import { ChangeNotice } from '../time/change-notice.js';
import { sleep } from '../time/sleep.js';
import type { Snapshot, ToolCall } from '../types.js';
import { keyScope, type ProxyJournal } from './proxy-journal.js';
import { type KnownCall, ProxyTask, type StartedCall } from './proxy-task.js';
import type { Upstream } from './upstream.js';

/** A host with more calls under way is broken, or means harm. */
const MAX_RUNNING = 1000;
/** Ended calls whose results nobody has had yet; the journal keeps more. */
const MAX_KEPT = 200;
/** How often a call that another process makes is looked at, in milliseconds. */
const LOOK_AGAIN_MS = 500;

export interface NewProxyCall {
  readonly principal: string;
  readonly upstream: Upstream;
  readonly call: ToolCall;
  /** As the host knows the tool. */
  readonly tool: string;
  /** What names the call also when the host sends it again, see `stableCallId`. */
  readonly callId: string | undefined;
}

/** The calls of all hosts of this process, and through the journal those of processes before it. */
export class ProxyTasks {
  readonly #journal: ProxyJournal | undefined;
  readonly #running = new Map<string, ProxyTask>();
  readonly #ended = new BoundedMap<ProxyTask>(MAX_KEPT);
  readonly #settled = new ChangeNotice();

  constructor(journal: ProxyJournal | undefined) {
    this.#journal = journal;
  }

  /**
   * Sends a call, and follows it to its end whatever becomes of the host; one that the host sends again is the same call.
   * @throws ToolFailure `BUSY` when too many are under way
   */
  async start({ principal, upstream, call, tool, callId }: NewProxyCall): Promise<ProxyTask> {
    const reference = callId === undefined ? randomReference() : referenceOf({ callId, tool, call });
    const known = callId === undefined ? undefined : await this.find(principal, reference, [upstream]);
    if (known !== undefined) return known;
    this.#checkRoom();
    const task = new ProxyTask({ reference, principal, tool, startedAt: Date.now() });
    return this.#run(task, upstream, async () => {
      const client = await upstream.client();
      const handle = await client.startTool(call, {
        idempotencyKey: `${keyScope(principal, upstream.id)}${reference}`,
        inlineWaitMs: 1000,
        onUpdate: snapshot => task.update(snapshot),
      });
      return { handle };
    });
  }

  /** The call with this reference where this process knows it. */
  here(reference: string): ProxyTask | undefined {
    return this.#running.get(reference) ?? this.#ended.get(reference);
  }

  /** The call with this reference, of whichever process; undefined where there is none of this caller. */
  async find(
    principal: string,
    reference: string,
    upstreams: readonly Upstream[],
  ): Promise<ProxyTask | undefined> {
    const ownOnly = (task: ProxyTask) => (task.principal === principal ? task : undefined);
    for (const upstream of upstreams) {
      let known = this.here(reference);
      if (known !== undefined) return ownOnly(known);
      const record = await this.#journal?.find(`${keyScope(principal, upstream.id)}${reference}`);
      if (record === undefined) continue;
      // Somebody else may have asked meanwhile.
      known = this.here(reference);
      if (known !== undefined) return ownOnly(known);
      this.#checkRoom();
      const { tool, startedAt } = record;
      const task = new ProxyTask({ reference, principal, tool, startedAt });
      return this.#run(task, upstream, () => this.#takeUp(record, task, upstream));
    }
    return undefined;
  }

  /** The calls of this caller whose results nobody has had yet, the oldest first. */
  async list(principal: string, upstreams: readonly Upstream[]): Promise<readonly KnownCall[]> {
    const calls = new Map<string, KnownCall>();
    for (const upstream of upstreams) {
      const scope = keyScope(principal, upstream.id);
      for (const record of (await this.#journal?.undelivered(scope)) ?? []) {
        const call = callOf(record, principal, (record.idempotencyKey ?? '').slice(scope.length));
        calls.set(call.reference, call);
      }
    }
    for (const task of [...this.#ended.values(), ...this.#running.values()]) {
      if (task.principal === principal) calls.set(task.reference, task);
    }
    return [...calls.values()].sort((one, other) => one.startedAt - other.startedAt);
  }

  /** The host has the result. */
  delivered(task: ProxyTask): void {
    task.acknowledge();
    this.#ended.take(task.reference);
  }

  /** Settles when no call is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.#settled.next;
  }

  #run(task: ProxyTask, upstream: Upstream, start: () => Promise<StartedCall>): ProxyTask {
    this.#running.set(task.reference, task);
    const held = upstream.hold();
    void task.run(start).finally(() => {
      this.#ended.set(task.reference, task);
      this.#running.delete(task.reference);
      held[Symbol.dispose]();
      this.#settled.announce();
    });
    return task;
  }

  /** Goes on with a call that another process has sent. */
  async #takeUp(record: JournalRecord, task: ProxyTask, upstream: Upstream): Promise<StartedCall> {
    for (let known: JournalRecord | undefined = record; ; ) {
      const { outcome, reference, claimUntil, id } = known;
      if (outcome !== undefined) {
        task.onAcknowledged(() => void this.#journal?.deliver(id));
        return { result: resultOfOutcome(outcome) };
      }
      if (reference !== undefined) {
        const client = await upstream.client();
        return { handle: await client.resumeTask(reference, { onUpdate: each => task.update(each) }) };
      }
      // The process that makes the call holds on to it.
      if (claimUntil <= Date.now()) throw outcomeUnknown(known);
      await sleep(LOOK_AGAIN_MS);
      known = (await this.#journal?.find(record.idempotencyKey ?? '')) ?? { ...known, claimUntil: 0 };
    }
  }

  #checkRoom(): void {
    if (this.#running.size < MAX_RUNNING) return;
    throw new ToolFailure('BUSY', `${MAX_RUNNING} calls are under way already: wait for some to end`, true);
  }
}

function callOf(record: JournalRecord, principal: string, reference: string): KnownCall {
  const { tool, status, message, startedAt, updatedAt, outcome } = record;
  const snapshot: Snapshot = {
    status: status === 'unknown' ? 'failed' : status,
    attempt: 0,
    elapsedMs: updatedAt - startedAt,
    raw: undefined,
    ...(message !== undefined && { message }),
  };
  const result = outcome && { result: resultOfOutcome(outcome) };
  const end = status === 'unknown' ? { error: outcomeUnknown(record) } : result;
  const known = { reference, principal, tool, startedAt, updatedAt, snapshot, end };
  return { ...known, questions: undefined, isCancelled: status === 'cancelled' };
}

/** As long as anybody may guess. */
const REFERENCE_BYTES = 18;

function randomReference(): string {
  return randomBytes(REFERENCE_BYTES).toString('base64url');
}

/** The same for a call that is sent again; another one for other arguments, whatever the host calls it. */
function referenceOf(call: Pick<NewProxyCall, 'callId' | 'tool' | 'call'>): string {
  const { callId, tool } = call;
  const { arguments: args } = call.call;
  const digest = createHash('sha256').update(JSON.stringify([callId, tool, args]));
  return digest.digest('base64url').slice(0, randomReference().length);
}
