import { expect, test } from 'vitest';
import { newTaskRef, operationOf } from '../../src/engine/task-ref.js';

test.each(['echo', 'a', 'x'.repeat(64), 'mcp_tool', 'a_0123456789abcdef0123456789abcdef'])(
  'A reference names its operation %s and is never the same twice',
  operation => {
    const taskRef = newTaskRef(operation);
    expect(taskRef).toMatch(/^task_[a-z0-9_]+_[0-9a-f]{32}$/);
    expect(operationOf(taskRef)).toBe(operation);
    expect(newTaskRef(operation)).not.toBe(taskRef);
  },
);

const RANDOM = '0'.repeat(32);

test.each([
  '',
  'nobody',
  `task_${RANDOM}`,
  `task__${RANDOM}`,
  `task_echo_${RANDOM}\0`,
  `task_echo_${RANDOM} `,
])('%j is no reference', text => {
  expect(operationOf(text)).toBeUndefined();
});
