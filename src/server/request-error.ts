/** What a client is told instead of a result, in either revision: the SDK sends `code`, `message` and `data` of what is thrown. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The JSON-RPC code. */
  readonly code: number;
  readonly data: unknown;
  /** Of the answer over HTTP in revision 2026-07-28; most errors are answers like any other. */
  readonly httpStatus: number;

  constructor(code: number, message: string, options: { data?: unknown; httpStatus?: number } = {}) {
    super(message);
    this.code = code;
    this.data = options.data;
    this.httpStatus = options.httpStatus ?? 200;
  }
}
