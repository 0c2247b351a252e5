/** In a tool's definition: its calls are answered with the result or with a reference for this pair's status tool. */
export const PAIR_META = 'io.github.mcp-await/pair';

/** In a request: what goes with this one call and is no argument of the tool. */
export const CALL_META = 'io.github.mcp-await/call';

/** In an answer: the task that the call has started, whether it has ended or not. */
export const TASK_META = 'io.github.mcp-await/task';

/** The pair's name, as clients know it. */
export const PAIR_NAME = 'mcp-await';

/** Keys of a request's `_meta` under which hosts name a call of their model, so that a call that is sent again has the same. */
const CALL_ID_META = ['claudecode/toolUseId', 'callId'];
/** A short one may be a counter, which begins again with each session. */
const CALL_ID = /^[\w:.-]{16,200}$/;

/** What names this call of the host's model, whichever connection it comes by; undefined where nothing does. */
export function stableCallId(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const given = CALL_ID_META.map(key => meta?.[key]);
  return given.find((id): id is string => typeof id === 'string' && CALL_ID.test(id));
}
