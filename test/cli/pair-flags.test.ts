import { describe, expect, test } from 'vitest';
import { pairOfFlags, wordsOfFlags } from '../../src/cli/pair-flags.js';
import { parsePairs } from '../../src/client/tools/pair-options.js';

describe('the flags of a pair', () => {
  test('make a profile with the usual places', () => {
    const pair = pairOfFlags('bake', {
      statusTool: 'look',
      idArg: 'ticketId',
    });
    const [parsed] = parsePairs([pair], 'flags');
    expect(parsed).toMatchObject({
      start: { tool: 'bake' },
      status: { tool: 'look', handleArgument: 'ticketId' },
    });
  });

  test('give words to whichever pair is used', () => {
    const flags = { doneWord: ['golden brown'], failedWord: ['burnt'] };
    expect(wordsOfFlags(flags)).toEqual({ 'golden brown': 'completed', burnt: 'failed' });
    expect(pairOfFlags('bake', flags)).toBeUndefined();
  });

  test('may say every place', () => {
    const flags = {
      statusTool: 'look',
      idArg: 'id',
      idKey: 'a.b',
      statusKey: 'c',
      resultKey: 'd',
      cancelTool: 'stop',
    };
    expect(pairOfFlags('bake', flags)).toMatchObject({
      start: { handleAt: 'a.b' },
      status: { statusAt: 'c', resultAt: 'd' },
      cancel: { tool: 'stop', handleArgument: 'id' },
    });
  });

  test('are none without a status tool', () => {
    expect(pairOfFlags('bake', {})).toBeUndefined();
    expect(() => pairOfFlags('bake', { idArg: 'id' })).toThrow(/go with --status-tool/);
    expect(() => pairOfFlags('bake', { statusTool: 'look' })).toThrow(/needs --id-arg/);
  });
});
