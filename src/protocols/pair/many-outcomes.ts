import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Outcome } from '../../types.js';
import type { PollAnswer } from '../protocol.js';
import { resultOfOutcome } from '../tool-result.js';
import type { TaskId } from './handle.js';

/** The state of a call that has started several tasks: it has ended when all have, and failed when one has. */
export function joinAnswers(ids: readonly TaskId[], answers: readonly PollAnswer[]): PollAnswer {
  const [only] = answers;
  if (only !== undefined && answers.length === 1) return only;
  const raw = answers.map(answer => answer.raw);
  const ended = answers.flatMap(answer => (answer.kind === 'ended' ? [answer.outcome] : []));
  const running =
    answers.find(answer => answer.kind === 'running' && answer.unknownWord !== undefined) ??
    answers.find(answer => answer.kind === 'running');
  if (running?.kind === 'running') {
    return { ...running, progress: { progress: ended.length, total: answers.length }, raw };
  }
  return { kind: 'ended', outcome: joinOutcomes(ids, ended), raw };
}

function joinOutcomes(ids: readonly TaskId[], outcomes: readonly Outcome[]): Outcome {
  const results = outcomes.map(resultOfOutcome);
  const result: CallToolResult = {
    content: results.flatMap(({ content }) => content ?? []),
    structuredContent: {
      results: results.map(({ structuredContent, content, isError }, index) => ({
        task: ids[index],
        status: outcomes[index]?.status,
        ...(isError === true && { isError }),
        ...(structuredContent === undefined ? { content } : { structuredContent }),
      })),
    },
  };
  const bad =
    outcomes.find(({ status }) => status === 'failed') ??
    outcomes.find(({ status }) => status === 'cancelled');
  if (bad === undefined || bad.status === 'completed') return { status: 'completed', result };
  return { status: 'failed', error: bad.error, result: { ...result, isError: true } };
}
