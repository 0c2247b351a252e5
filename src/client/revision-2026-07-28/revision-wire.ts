import type { ClientCapabilities, Implementation } from '@modelcontextprotocol/sdk/types.js';

/** The version of MCP without sessions (spec 2026-07-28, basic): each request says by itself who asks and what it can. */
export const REVISION_VERSION = '2026-07-28';
export const TASKS_EXTENSION_NAME = 'io.modelcontextprotocol/tasks';

const PREFIX = 'io.modelcontextprotocol/';

/** Who asks. */
export interface ClientIdentity {
  readonly clientInfo: Implementation;
  readonly capabilities: ClientCapabilities;
}

type Params = Readonly<Record<string, unknown>>;

/** The parameters of a message with what revision 2026-07-28 wants in each. */
export function framed(
  params: Params | undefined,
  { clientInfo, capabilities }: ClientIdentity,
  logLevel?: unknown,
): Record<string, unknown> {
  const extensions = { ...capabilities.extensions, [TASKS_EXTENSION_NAME]: {} };
  return {
    ...params,
    _meta: {
      ...(params?._meta as Params | undefined),
      [`${PREFIX}protocolVersion`]: REVISION_VERSION,
      [`${PREFIX}clientInfo`]: clientInfo,
      [`${PREFIX}clientCapabilities`]: { ...capabilities, extensions },
      ...(logLevel !== undefined && { [`${PREFIX}logLevel`]: logLevel }),
    },
  };
}

/** Where a server says its name in a result. */
export const SERVER_INFO_META = `${PREFIX}serverInfo`;
