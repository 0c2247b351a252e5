import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../../src/engine/open-engine.js';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { defineOperation, type OperationContext, operationsByName } from '../../src/server/operation.js';
import { createExecute } from '../../src/server/runner.js';
import type { TaskLimitOptions } from '../../src/server/task-limits.js';
import { createTaskService } from '../../src/server/task-service.js';
import { sleep } from '../../src/time/sleep.js';

const WEBHOOKS = { isOpen: false, accept: (url: string) => url, announce: async () => {} };
const LONG_MS = 20_000;

type Work = (context: OperationContext) => Promise<unknown>;

interface StartOptions extends TaskLimitOptions {
  readonly slaSeconds?: number;
}

/** A task that does the work, and what its caller can do. */
async function start(work: Work, { slaSeconds = 60, ...limits }: StartOptions = {}) {
  const operation = defineOperation({
    name: 'work',
    description: 'Works.',
    input: z.object({}),
    slaSeconds,
    run: (_, context) => work(context),
  });
  const engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
  const operations = operationsByName([operation]);
  const service = createTaskService({ engine, operations, webhooks: WEBHOOKS, ...limits });
  engine.startWorker({ execute: createExecute([operation]), operations: ['work'], concurrency: 1 });
  const { taskRef } = await service.initiate('ada', { operationType: 'work', parameters: {} });
  return {
    taskRef,
    service,
    /** The open questions, once there are as many. */
    async asked(count = 1): Promise<TaskRecord> {
      let record = (await engine.find(taskRef)) as TaskRecord;
      while (Object.keys(record.inputRequests ?? {}).length !== count) {
        record = await service.waitForChange('ada', taskRef, { known: record, timeoutMs: LONG_MS });
      }
      return record;
    },
    ended: () => engine.waitForEnd(taskRef, { timeoutMs: LONG_MS }),
  };
}

function keyOf(record: TaskRecord): string {
  return Object.keys(record.inputRequests ?? {})[0] ?? '';
}

const form = z.object({
  name: z.string().min(2),
  count: z.number().int().default(1),
  kind: z.enum(['big', 'small']).optional(),
});

describe('an operation that asks with a zod schema', () => {
  test('asks in the shapes of MCP and gets what the schema makes of the answer', async () => {
    const { asked, service, taskRef, ended } = await start(async ({ elicit }) => {
      const answer = await elicit(form, 'Which one?');
      // The types are those of the schema.
      return answer.action === 'accept' ? answer.content.name.repeat(answer.content.count) : answer.action;
    });
    const record = await asked();
    const key = keyOf(record);
    expect(record.inputRequests?.[key]).toMatchObject({
      method: 'elicitation/create',
      params: {
        message: 'Which one?',
        requestedSchema: {
          type: 'object',
          properties: {
            name: { type: 'string', minLength: 2 },
            count: { type: 'integer', default: 1 },
            kind: { type: 'string', enum: ['big', 'small'] },
          },
          required: ['name'],
        },
      },
    });
    await service.answer('ada', taskRef, {
      [key]: { action: 'accept', content: { name: 'Bo', other: 'x' } },
    });
    expect(await ended()).toMatchObject({
      status: 'completed',
      result: 'Bo',
    });
  });

  test.each(['decline', 'cancel'] as const)('hears of a %s, without content', async action => {
    const { asked, service, taskRef, ended } = await start(({ elicit }) => elicit(form, 'Which one?'));
    const key = keyOf(await asked());
    await service.answer('ada', taskRef, { [key]: { action, content: { name: 'x' } } });
    expect((await ended())?.result).toEqual({ action });
  });

  test('fails where an answer breaks what only zod can check', async () => {
    const schema = z.object({ name: z.string() }).refine(({ name }) => name !== 'root', 'Not root');
    const { asked, service, taskRef, ended } = await start(({ elicit }) => elicit(schema, 'Who?'));
    const key = keyOf(await asked());
    await service.answer('ada', taskRef, { [key]: { action: 'accept', content: { name: 'root' } } });
    expect(await ended()).toMatchObject({
      status: 'failed',
      error: { code: 'INVALID_ANSWER', message: expect.stringContaining('Not root') },
    });
  });
});

describe('an operation that asks with a JSON Schema', () => {
  test('gets the content as it was answered', async () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    const schema = { $schema, type: 'object', properties: { tags: choices() }, required: ['tags'] } as const;
    const { asked, service, taskRef, ended } = await start(({ elicit }) => elicit(schema, 'Which?'));
    const key = keyOf(await asked());
    await service.answer('ada', taskRef, { [key]: { action: 'accept', content: { tags: ['a'] } } });
    expect((await ended())?.result).toEqual({ action: 'accept', content: { tags: ['a'] } });
  });

  function choices() {
    return { type: 'array', items: { type: 'string', enum: ['a', 'b'] } };
  }

  test.each([
    ['a schema that is nested', { type: 'object', properties: { a: { type: 'object', properties: {} } } }],
    ['a schema of no object', { type: 'string' }],
    [
      'a schema that cannot be compiled',
      { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
    ],
    ['a schema that lies elsewhere', { type: 'object', properties: {}, $ref: 'https://example.com/schema' }],
    ['a question that is too long', { type: 'object', properties: {}, title: 'x'.repeat(17_000) }],
  ])('fails with %s, and asks nobody', async (_case, schema) => {
    const { ended } = await start(({ elicit }) => elicit(schema as never, 'What?'));
    expect(await ended()).toMatchObject({
      status: 'failed',
      error: { code: 'OPERATION_FAILED', message: expect.stringContaining('Operation work asks') },
    });
  });
});

describe('an answer', () => {
  test.each([
    ['no action', { content: { name: 'Bo' } }, 'action'],
    ['an unknown action', { action: 'perhaps' }, 'action'],
    ['no object', 'yes', 'object'],
    ['nothing that is required', { action: 'accept' }, 'name'],
    ['the wrong type', { action: 'accept', content: { name: 1 } }, 'name'],
    ['too short a text', { action: 'accept', content: { name: 'B' } }, 'name'],
    ['no choice', { action: 'accept', content: { name: 'Bo', kind: 'medium' } }, 'kind'],
    ['a nested object', { action: 'accept', content: { name: 'Bo', more: { deep: true } } }, 'content'],
    ['too many bytes', { action: 'accept', content: { name: 'x'.repeat(17_000) } }, 'bytes'],
  ])('with %s is refused, and the question stays', async (_case, response, hint) => {
    const { asked, service, taskRef, ended } = await start(({ elicit }) => elicit(form, 'Which one?'));
    const record = await asked();
    const key = keyOf(record);
    await expect(service.answer('ada', taskRef, { [key]: response })).rejects.toMatchObject({
      code: 'INVALID_ANSWER',
      message: expect.stringContaining(hint),
    });
    expect((await asked()).inputRequests).toEqual(record.inputRequests);
    await service.answer('ada', taskRef, { [key]: { action: 'accept', content: { name: 'Bo' } } });
    expect(await ended()).toMatchObject({ status: 'completed' });
  });

  test('of another principal is one to no task', async () => {
    const { asked, service, taskRef } = await start(({ elicit }) => elicit(form, 'Which one?'));
    const record = await asked();
    const key = keyOf(record);
    const notFound = { code: 'TASK_NOT_FOUND' };
    await expect(service.answer('eve', taskRef, { [key]: { action: 'cancel' } })).rejects.toMatchObject(
      notFound,
    );
    const wait = { known: record, timeoutMs: 0 };
    await expect(service.waitForChange('eve', taskRef, wait)).rejects.toMatchObject(notFound);
    expect((await asked()).inputRequests).toEqual(record.inputRequests);
  });

  test('to a key that is unknown or answered is left alone, whatever it is', async () => {
    const { asked, service, taskRef, ended } = await start(async ({ elicit }) => [
      await elicit(form, 'One?'),
      await elicit(form, 'Two?'),
    ]);
    const one = keyOf(await asked());
    await service.answer('ada', taskRef, { [one]: { action: 'decline' }, other: 'rubbish' });
    const two = await eventuallyOther(asked, one);
    await service.answer('ada', taskRef, { [one]: { action: 'cancel' }, [two]: { action: 'cancel' } });
    expect((await ended())?.result).toEqual([{ action: 'decline' }, { action: 'cancel' }]);
  });

  async function eventuallyOther(asked: () => Promise<TaskRecord>, known: string): Promise<string> {
    for (;;) {
      const key = keyOf(await asked());
      if (key !== known) return key;
      await sleep(5);
    }
  }
});

describe('the time that a task waits for answers', () => {
  test('is no part of its SLA', async () => {
    const { asked, service, taskRef, ended } = await start(({ elicit }) => elicit(form, 'Which one?'), {
      slaSeconds: 0.2,
    });
    const key = keyOf(await asked());
    await sleep(400);
    await service.answer('ada', taskRef, { [key]: { action: 'decline' } });
    expect(await ended()).toMatchObject({ status: 'completed' });
  });

  test('leaves the rest of the SLA to the work after it', async () => {
    const { asked, service, taskRef, ended } = await start(
      async ({ elicit, signal }) => {
        await elicit(form, 'Which one?');
        await sleep(LONG_MS, signal);
      },
      { slaSeconds: 0.2 },
    );
    const key = keyOf(await asked());
    await service.answer('ada', taskRef, { [key]: { action: 'decline' } });
    expect(await ended()).toMatchObject({ status: 'failed', error: { code: 'SLA_EXCEEDED' } });
  });

  test('is bounded: then the operation is told, and fails unless it knows what to do', async () => {
    const { ended } = await start(({ elicit }) => elicit(form, 'Which one?'), { inputTimeoutSeconds: 0.05 });
    expect(await ended()).toMatchObject({
      status: 'failed',
      error: { code: 'INPUT_TIMEOUT', message: expect.stringContaining('Which one?'), retryable: false },
    });
    const careful = await start(({ elicit }) => elicit(form, 'Which?').catch(error => error.code), {
      inputTimeoutSeconds: 0.05,
    });
    expect(await careful.ended()).toMatchObject({ status: 'completed', result: 'INPUT_TIMEOUT' });
  });
});

test('an operation asks a limited number of questions', async () => {
  const { service, taskRef, ended, asked } = await start(async ({ elicit }) => {
    for (let count = 0; ; count++) await elicit(form, `Number ${count}?`);
  });
  for (let count = 0; count < 32; count++) {
    let key = '';
    while (!(await asked()).inputRequests?.[key]?.params.message.includes(` ${count}?`))
      key = keyOf(await asked());
    await service.answer('ada', taskRef, { [key]: { action: 'decline' } });
  }
  expect(await ended()).toMatchObject({ status: 'failed', error: { code: 'TOO_MANY_QUESTIONS' } });
});

test('an operation that ends without waiting for its answer ends all the same', async () => {
  const { ended, service, taskRef } = await start(async ({ elicit }) => {
    void elicit(form, 'Which one?');
    await sleep(50);
    return 'done';
  });
  expect(await ended()).toMatchObject({ status: 'completed', inputRequests: undefined });
  await sleep(20);
  expect(await service.answer('ada', taskRef, { any: { action: 'cancel' } })).toMatchObject({
    result: 'done',
  });
});

test('an operation that is run again after a failure has its answers already', async () => {
  let attempts = 0;
  const { asked, service, taskRef, ended } = await start(
    async ({ elicit }) => {
      const answer = await elicit(form, 'Which one?');
      if (++attempts === 1) throw Object.assign(new Error('busy'), busy);
      return answer;
    },
    { retryAttempts: 1 },
  );
  const key = keyOf(await asked());
  await service.answer('ada', taskRef, { [key]: { action: 'decline' } });
  expect(await ended()).toMatchObject({ status: 'completed', result: { action: 'decline' } });
  expect(attempts).toBe(2);
});

const busy = { name: 'OperationError', code: 'BUSY', retryable: true };
