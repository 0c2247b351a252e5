interface HostTimeout {
  /** `clientInfo.name`, or its beginning before `-` or `.`: Gemini CLI puts the server's name behind it, n8n the node's. */
  readonly name: string;
  /** Milliseconds after which the host gives a call up, or lets its model go on without it. */
  readonly afterMs: number;
  /** What was seen, with which version. */
  readonly source: string;
}

/** Hosts whose patience has been measured with the host itself; docs/hosts.md tells more of each. */
export const HOST_TIMEOUTS: readonly HostTimeout[] = [
  {
    name: 'claude-code',
    afterMs: 120_000,
    source: 'Claude Code 2.1.332 puts a call into the background after 2 minutes.',
  },
  {
    name: 'codex-mcp-client',
    afterMs: Number.POSITIVE_INFINITY,
    source: 'Codex 0.171.0 let a call of 200 s pass; only `tool_timeout_sec` of its file sets a limit.',
  },
  {
    name: 'gemini-cli-mcp-client',
    afterMs: 600_000,
    source: 'Gemini CLI 0.61.0 waits for 10 minutes; `timeout` of its file sets another limit.',
  },
  {
    name: '@n8n/n8n-nodes-langchain',
    afterMs: 60_000,
    source: 'n8n 2.41.1 ends a call after 60 s; `timeout` of the node sets another limit.',
  },
];

/** Milliseconds that an answer needs to be in time. */
const MARGIN_MS = 5000;
/** Longest time for which a call is held, in milliseconds. */
export const MAX_HOLD_MS = 3_600_000;

/**
 * How long a call may be held for the host of this name, in milliseconds: until just before its patience ends. Undefined for
 * a host that is not known.
 */
export function holdMsOf(clientName: string | undefined): number | undefined {
  const host = HOST_TIMEOUTS.find(
    ({ name }) => clientName?.startsWith(name) && /^[-.]?$/.test(clientName.charAt(name.length)),
  );
  return host && holdMsBefore(host.afterMs);
}

/** How long a call may be held that its host gives up after `timeoutMs` milliseconds. */
export function holdMsBefore(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs - MARGIN_MS, timeoutMs * 0.8), MAX_HOLD_MS);
}

/** What clients say who lose patience, and what the HTTP entry says where one has hung up. */
const NO_WISH = /hung up|time[d]?[ -]?out/i;

/** Whether a call was given up by a person, who does not want the work any more; not because time was up. */
export function isUnwanted({ aborted, reason }: AbortSignal): boolean {
  return aborted && !NO_WISH.test(String(reason));
}
