import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { CommandIo } from '../../src/cli/io.js';
import { untilEnded } from '../../src/cli/until-ended.js';
import { newDeferred } from '../../src/time/deferred.js';

it('gives running tasks the seconds of the settings after the first signal, and none after the second', async () => {
  const signals = new EventEmitter();
  const ended = newDeferred();
  const graces: (number | undefined)[] = [];
  const running = {
    ended: ended.promise,
    async close(graceMs?: number) {
      graces.push(graceMs);
    },
  };
  const waiting = untilEnded(running, 2.5, signals as unknown as CommandIo);
  signals.emit('SIGTERM');
  signals.emit('SIGINT');
  ended.resolve();
  await waiting;
  expect(graces).toEqual([2500, 0]);
  expect(signals.eventNames()).toEqual([]);
});
