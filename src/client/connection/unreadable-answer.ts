import { ErrorCode, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isDeeper } from '../../storage/large-json.js';

/** The server's answer cannot be read. */
export class UnreadableAnswerError extends Error {
  override readonly name = 'UnreadableAnswerError';
}

/** Far below the depth at which a parser or a serializer runs out of stack. */
const MAX_DEPTH = 1000;

/** @param maxBytes the limit that was exceeded */
export function answerTooLarge(maxBytes: number): UnreadableAnswerError {
  return new UnreadableAnswerError(
    `the answer is larger than ${formatBytes(maxBytes)} (\`maxAnswerBytes\`, --max-answer-bytes)`,
  );
}

/** What the SDK gets in the place of an answer that cannot be read; its error carries ours as `data`. */
export function unreadableAnswer(id: RequestId, data: UnreadableAnswerError): JSONRPCMessage {
  return { jsonrpc: '2.0', id, error: { code: ErrorCode.InternalError, message: data.message, data } };
}

/** Why a message must not be passed on; undefined if it may be. */
export function depthProblem(message: unknown): UnreadableAnswerError | undefined {
  return isDeeper(message, MAX_DEPTH)
    ? new UnreadableAnswerError(`it is nested more than ${MAX_DEPTH} levels deep`)
    : undefined;
}

function formatBytes(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Number((bytes / 1024 / 1024).toFixed(1))} MiB` : `${bytes} bytes`;
}
