import { expect, test } from 'vitest';
import { RestartLimit } from '../../../src/client/connection/reopener.js';

test('so many restarts are granted within the time, and again when the first are that long ago', () => {
  const limit = new RestartLimit({ most: 2, withinMs: 1000 });
  const granted = [0, 500, 999, 1000, 1400, 1500, 5000].map(at => limit.take(at));
  expect(granted).toEqual([true, true, false, true, false, true, true]);
});
