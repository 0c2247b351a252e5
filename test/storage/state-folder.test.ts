import { describe, expect, test } from 'vitest';
import { defaultStoreUrl, stateFolder } from '../../src/storage/state-folder.js';

describe('the state folder', () => {
  test.each([
    ['MCP_AWAIT_HOME before all', { MCP_AWAIT_HOME: '/own', XDG_STATE_HOME: '/xdg' }, '/own'],
    ["a folder in the user's XDG state", { XDG_STATE_HOME: '/xdg' }, '/xdg/mcp-await'],
    ['the XDG default', {}, '/home/ada/.local/state/mcp-await'],
    [
      'the XDG default when variables are empty',
      { MCP_AWAIT_HOME: '', XDG_STATE_HOME: '' },
      '/home/ada/.local/state/mcp-await',
    ],
    [
      'the XDG default when the variable is relative',
      { XDG_STATE_HOME: 'state' },
      '/home/ada/.local/state/mcp-await',
    ],
  ])('is %s', (_name, environment, expected) => {
    expect(stateFolder(environment, '/home/ada')).toBe(expected);
  });
});

test('The default store is a file in the state folder', () => {
  expect(defaultStoreUrl({ MCP_AWAIT_HOME: '/own' })).toBe('sqlite:/own/tasks.db');
});
