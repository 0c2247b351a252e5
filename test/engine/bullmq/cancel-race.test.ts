import { expect, onTestFinished, test } from 'vitest';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { eventually, newTask, OPERATION } from '../scripted.js';
import { BullmqStore, beginAndDie } from './bullmq-store.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `a cancel on ${name}`, service => {
    test('of a task that is started at that moment tells no worker that it has ended before it has', async () => {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const { engine, faults, connection } = await store.open();
      const { record } = await engine.submit(newTask());
      const words: string[] = [];
      const onWord = async (taskRef: string, word: string) => {
        const status = (await connection.records.read(taskRef))?.status;
        words.push(`${word}: ${status}`);
      };
      await connection.records.listen({ onWord: (...told) => void onWord(...told), onGap() {} });
      const change = faults.holdBefore('change');
      const cancel = engine.cancel(record.taskRef);
      await change.reached;
      await beginAndDie(connection, OPERATION);
      await eventually(() => words.length === 1);
      change.release();
      expect(await cancel).toMatchObject({ status: 'cancelled', runCount: 1 });
      await eventually(() => words.length === 2);
      expect(words).toEqual(['changed: processing', 'ended: cancelled']);
    });
  });
}
