/** In a tool's definition: its calls are answered with the result or with a reference for this pair's status tool. */
export const PAIR_META = 'io.github.mcp-await/pair';

/** In a request: what goes with this one call and is no argument of the tool. */
export const CALL_META = 'io.github.mcp-await/call';

/** In an answer: the task that the call has started, whether it has ended or not. */
export const TASK_META = 'io.github.mcp-await/task';

/** The pair's name, as clients know it. */
export const PAIR_NAME = 'mcp-await';
