import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { NotSupportedError, ProtocolViolationError, TaskNotFoundError } from '../../src/errors.js';
import type {
  Exchange,
  PollAnswer,
  Port,
  Protocol,
  ServerFacts,
  StartAnswer,
} from '../../src/protocols/protocol.js';
import type { TaskError } from '../../src/types.js';

/** What the server of a fixture does with the task, once it has been asked for its state and said "running" once. */
export type Scenario =
  | 'completed'
  | 'failed'
  | 'cancelled'
  /** Goes on in words that no protocol knows. */
  | 'unknown-word'
  /** Answers about a task that nobody asked about. */
  | 'other-task'
  | 'unreadable'
  | 'not-found'
  /** Does not answer: neither the start nor a status request. */
  | 'silent';

export interface Connection {
  readonly port: Port;
  /** Requests that reached the server and were meant for the tool or its task. */
  requestCount(): number;
  /** Requests that the client took back. */
  cancelledRequestCount(): number;
  /** Tasks that the server was asked to cancel. */
  cancelledTaskCount(): number;
}

export type ConformanceCase =
  | 'handle'
  | 'cancel'
  | 'cancelled'
  | 'failed'
  | 'unknown-word'
  | 'foreign-answer';

export interface ProtocolFixture {
  readonly protocol: Protocol;
  /** A tool that the protocol awaits, and the server that has it. */
  readonly tool: Tool;
  readonly server: ServerFacts;
  /** Connects to a fresh server that plays the scenario. */
  open(scenario: Scenario): Promise<Connection>;
  /** How the scenarios end. */
  readonly result: CallToolResult;
  readonly error: TaskError;
  /** Cases that the protocol has no way to meet, each with the reason. */
  readonly skipped?: Readonly<Partial<Record<ConformanceCase, string>>>;
}

const MOST_STEPS = 5;

/** The obligations of `Protocol`; every protocol runs them. */
export function describeProtocol(name: string, fixture: ProtocolFixture): void {
  const { protocol, tool, server } = fixture;
  const call = { name: tool.name, arguments: { text: 'hello' } };

  const exchangeOn = (port: Port, signal: AbortSignal = new AbortController().signal): Exchange => ({
    port,
    signal,
    requestTimeoutMs: 30_000,
    silenceTimeoutMs: 300_000,
    holdMs: 0,
    onProgress: () => {},
  });

  function plan() {
    const planned = protocol.plan(tool, server);
    if (planned === undefined) throw new Error(`${name} does not recognise its own tool`);
    return planned;
  }

  async function start(scenario: Scenario) {
    const connection = await fixture.open(scenario);
    const answer = await plan().start(call, exchangeOn(connection.port));
    return { connection, answer };
  }

  async function startTask(scenario: Scenario) {
    const { connection, answer } = await start(scenario);
    if (answer.kind !== 'running') throw new Error('The start of a task answered with its end');
    return { ...connection, handle: answer.handle, exchange: exchangeOn(connection.port) };
  }

  async function runToEnd(scenario: Scenario): Promise<StartAnswer | PollAnswer> {
    const { connection, answer } = await start(scenario);
    if (answer.kind === 'ended') return answer;
    for (let step = 0; step < MOST_STEPS; step++) {
      const polled = await protocol.poll(answer.handle, exchangeOn(connection.port));
      if (polled.kind === 'ended') return polled;
    }
    throw new Error('The task has not ended');
  }

  const unless = (conformanceCase: ConformanceCase) => {
    const reason = fixture.skipped?.[conformanceCase];
    return (title: string, run: () => Promise<void>) =>
      reason === undefined ? test(title, run) : test.skip(`${title} (${reason})`, run);
  };

  describe(`the protocol ${name}`, () => {
    test('recognises its tool, and shows it under its own name', () => {
      const { listed, why, hiddenTools } = plan();
      expect(listed.name).toBe(tool.name);
      expect(listed.inputSchema).toEqual(tool.inputSchema);
      expect(why).not.toBe('');
      expect(hiddenTools).not.toContain(tool.name);
      for (const hidden of hiddenTools) expect(server.tools.map(other => other.name)).toContain(hidden);
    });

    test('plans the same way however often it is asked, and changes nothing that it is given', () => {
      const before = structuredClone({ tool, server });
      expect(plan()).toEqual({ ...plan(), start: expect.any(Function) });
      expect({ tool, server }).toEqual(before);
    });

    test('starts with one request and answers with a running task or with the end', async () => {
      const { connection, answer } = await start('completed');
      expect(connection.requestCount()).toBe(1);
      expect(['running', 'ended']).toContain(answer.kind);
      expect(answer.kind).toBe(plan().startKind === 'blocking' ? 'ended' : 'running');
    });

    test('ends a task that completed with its result', async () => {
      const { kind, ...end } = await runToEnd('completed');
      expect(kind).toBe('ended');
      expect(end).toMatchObject({ outcome: { status: 'completed', result: fixture.result } });
    });

    unless('failed')('ends a task that failed with its error', async () => {
      const end = await runToEnd('failed');
      expect(end).toMatchObject({ kind: 'ended', outcome: { status: 'failed', error: fixture.error } });
    });

    unless('cancelled')('ends a task that was cancelled as cancelled', async () => {
      const end = await runToEnd('cancelled');
      expect(end).toMatchObject({ kind: 'ended', outcome: { status: 'cancelled' } });
    });

    unless('handle')('asks for the state with one request, and "still running" is a value', async () => {
      const { handle, exchange, requestCount } = await startTask('completed');
      const answer = await protocol.poll(handle, exchange);
      expect(answer).toMatchObject({ kind: 'running', status: 'working' });
      expect(requestCount()).toBe(2);
    });

    unless('handle')('has a handle of plain JSON that works in another process', async () => {
      const { handle, exchange } = await startTask('completed');
      const copy: unknown = JSON.parse(JSON.stringify(handle));
      expect(copy).toEqual(handle);
      await protocol.poll(copy, exchange);
      await expect(protocol.poll(copy, exchange)).resolves.toMatchObject({ kind: 'ended' });
    });

    unless('handle')('keeps no state: polling again after the end answers the end again', async () => {
      const { handle, exchange } = await startTask('completed');
      await protocol.poll(handle, exchange);
      const first = await protocol.poll(handle, exchange);
      await expect(protocol.poll(handle, exchange)).resolves.toEqual(first);
    });

    unless('unknown-word')('takes an unknown status word for running and names it', async () => {
      const { handle, exchange } = await startTask('unknown-word');
      await protocol.poll(handle, exchange);
      const answer = await protocol.poll(handle, exchange);
      expect(answer).toMatchObject({ kind: 'running', status: 'working', unknownWord: expect.any(String) });
    });

    unless('foreign-answer')('refuses an answer that is about another task', async () => {
      const { handle, exchange } = await startTask('other-task');
      await protocol.poll(handle, exchange);
      await expect(protocol.poll(handle, exchange)).rejects.toThrow(ProtocolViolationError);
    });

    unless('handle')('refuses an answer that cannot be read', async () => {
      const { handle, exchange } = await startTask('unreadable');
      await protocol.poll(handle, exchange);
      await expect(protocol.poll(handle, exchange)).rejects.toThrow(ProtocolViolationError);
    });

    unless('handle')('tells when the server does not know the task', async () => {
      const { handle, exchange } = await startTask('not-found');
      await protocol.poll(handle, exchange);
      await expect(protocol.poll(handle, exchange)).rejects.toThrow(TaskNotFoundError);
    });

    test('takes its request back when a start is aborted', async () => {
      const connection = await fixture.open('silent');
      const controller = new AbortController();
      const starting = plan().start(call, exchangeOn(connection.port, controller.signal));
      await turn();
      controller.abort(new Error('enough'));
      await expect(starting).rejects.toThrow();
      await turn();
      expect(connection.cancelledRequestCount()).toBe(1);
    });

    unless('handle')('takes its request back when a poll is aborted', async () => {
      const { handle } = await startTask('completed');
      const { port, cancelledRequestCount } = await fixture.open('silent');
      const controller = new AbortController();
      const polling = protocol.poll(handle, exchangeOn(port, controller.signal));
      await turn();
      controller.abort(new Error('enough'));
      await expect(polling).rejects.toThrow();
      await turn();
      expect(cancelledRequestCount()).toBe(1);
    });

    unless('cancel')('asks the server to cancel the task, once for each time it is told to', async () => {
      const { handle, exchange, cancelledTaskCount } = await startTask('completed');
      await protocol.cancel(handle, exchange);
      expect(cancelledTaskCount()).toBe(1);
      await protocol.cancel(handle, exchange);
      expect(cancelledTaskCount()).toBe(2);
    });

    for (const [step, run] of [
      ['resume', (exchange: Exchange) => protocol.poll({}, exchange)],
      ['cancel', (exchange: Exchange) => protocol.cancel({}, exchange)],
    ] as const) {
      test(`rejects a handle that is none of its own when it is to ${step}, and never throws outside of its promise`, async () => {
        const { port } = await fixture.open('completed');
        const rejected = await run(exchangeOn(port)).then(
          () => undefined,
          error => error,
        );
        expect([TaskNotFoundError, NotSupportedError]).toContain(rejected?.constructor);
      });
    }
  });
}

/** Lets messages travel. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
